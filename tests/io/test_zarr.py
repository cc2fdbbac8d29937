"""Cubes in Zarr: what is written comes back, what xarray writes is read, what could run code is refused."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
import warnings
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import HSICube, open_cube, read_cube, read_label_map, write_zarr
from mmhsi.io.readers.zarr_codecs import zstd_size
from mmhsi.io.zarr_writer import ZarrWriter

if TYPE_CHECKING:
    from pathlib import Path

zarr = pytest.importorskip("zarr")
LocalStore = pytest.importorskip("zarr.storage").LocalStore
numcodecs = pytest.importorskip("numcodecs")
NAMES = ("y", "x", "band")


@pytest.fixture
def cube() -> HSICube:
    """37 × 29 pixels of 6 bands with everything that is known of one."""
    data = np.random.default_rng(0).integers(0, 4000, (37, 29, 6)).astype(np.int16)
    data[3, 4] = -1
    good = np.array([True] * 5 + [False])
    place = from_origin(366000, 5800000, 30, 30)
    return HSICube(data, 400 + 10.5 * np.arange(6), np.full(6, 8.0), good, -1, CRS.from_epsg(32633), place)


def test_what_is_written_comes_back(cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube, chunk=16)
    with open_cube(tmp_path / "a.zarr") as reader:
        info, whole = reader.info, reader.read()
        part = reader.read((5, 9, 20, 17), [4, 0, 4])
        again = pickle.loads(pickle.dumps(reader)).read((0, 0, 2, 2))
    assert info.dtype == np.int16
    for known in (info, whole):
        assert (known.crs, known.transform, known.nodata) == (cube.crs, cube.transform, -1)
        np.testing.assert_array_equal(known.wavelengths, cube.wavelengths)
        np.testing.assert_array_equal(known.fwhm, cube.fwhm)
        np.testing.assert_array_equal(known.good_bands, cube.good_bands)
    np.testing.assert_array_equal(whole.data, cube.data)
    np.testing.assert_array_equal(whole.valid(), cube.data[..., 0] != -1)
    np.testing.assert_array_equal(part.data, cube.data[5:25, 9:26][..., [4, 0, 4]])
    np.testing.assert_array_equal(again.data, cube.data[:2, :2])


def test_chunks_are_unpacked_once(cube: HSICube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_zarr(tmp_path / "a.zarr", cube, chunk=16)
    taken = []
    get = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda array, part: taken.append(part) or get(array, part))
    with open_cube(tmp_path / "a.zarr") as reader:
        reader.info  # noqa: B018
        taken.clear()
        for row in range(16, 32, 4):
            part = reader.read((row, 3, 4, 8))
            np.testing.assert_array_equal(part.data, cube.data[row : row + 4, 3:11])
    assert taken == [(slice(0, 6), slice(16, 32), slice(0, 16))]


def test_rows_of_a_wide_scene_unpack_chunks_once(
    cube: HSICube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a row of chunks is more than is kept otherwise, it is kept while whole rows are read, within a bound."""
    write_zarr(tmp_path / "a.zarr", cube, chunk=16)
    opened = []
    get = LocalStore.get

    async def counted(self: LocalStore, key: str, *args: object) -> object:
        opened.append(key)
        return await get(self, key, *args)

    monkeypatch.setattr(LocalStore, "get", counted)
    monkeypatch.setattr("mmhsi.io.readers.zarr_group.KEPT", 100)
    for free, times in ((1 << 30, 1), (1000, 8)):
        monkeypatch.setattr("mmhsi.io.readers.zarr_group.available_memory", lambda free=free: free)
        opened.clear()
        with open_cube(tmp_path / "a.zarr") as reader:
            for row in range(0, 32, 2):
                np.testing.assert_array_equal(reader.read((row, 0, 2, 29)).data, cube.data[row : row + 2])
        assert sum(key.startswith("c/0/") for key in opened) == times * 2 * 2


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dims", [("y", "x", "band"), ("wavelength", "lat", "lon")])
def test_xarrays_own_is_read(cube: HSICube, tmp_path: Path, dims: tuple[str, str, str], version: int) -> None:
    xarray = pytest.importorskip("xarray")
    given = cube.to_xarray()
    if dims[0] != "y":
        given = given.drop_vars(["x", "y"]).rename(y="lat", x="lon").swap_dims(band="wavelength")
        given = given.transpose(*dims)
    given.name = "reflectance"
    xarray.Dataset(dict(reflectance=given)).to_zarr(tmp_path / "x.zarr", zarr_format=version, mode="w")
    found = read_cube(tmp_path / "x.zarr")
    np.testing.assert_array_equal(found.data, cube.data)
    np.testing.assert_allclose(found.wavelengths, cube.wavelengths)
    assert (found.crs, found.transform) == (cube.crs, cube.transform)


def test_rows_and_columns_are_last_as_gdal_and_rioxarray_have_them(cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube, chunk=16)
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group["cube"].metadata.dimension_names == ("band", "y", "x")
    assert group["cube"].chunks == (6, 16, 16)
    np.testing.assert_array_equal(group["cube"][...], cube.data.transpose(2, 0, 1))
    np.testing.assert_array_equal(group["x"][...], 366015 + 30 * np.arange(29))
    np.testing.assert_array_equal(group["y"][...], 5799985 - 30 * np.arange(37))


@pytest.mark.parametrize("where", ["pam", "attribute"])
def test_what_gdal_writes_is_read(cube: HSICube, tmp_path: Path, where: str) -> None:
    """As GDAL 3.12 wrote it: no fill value, X and Y, the coordinate system in a file beside."""
    group = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=3)
    values = cube.data.transpose(2, 0, 1)
    wkt = cube.crs.to_wkt()
    said = {"_CRS": {"wkt": wkt}} if where == "attribute" else {}
    layout = dict(dimension_names=("Band", "Y", "X"), compressors=None, attributes=said, fill_value=7)
    written = group.create_array("g", shape=values.shape, chunks=(1, 20, 29), dtype="i2", **layout)
    written[:, :20] = values[:, :20]
    assert cube.transform is not None
    group.create_array("X", data=366015.0 + 30 * np.arange(29), dimension_names=("X",))
    group.create_array("Y", data=5799985.0 - 30 * np.arange(37), dimension_names=("Y",))
    path = tmp_path / "g.zarr/g/zarr.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fill_value": None}))
    if where == "pam":
        arrays = f"<Array name='a'><SRS>{escape(wkt)}</SRS></Array>" * 6
        (tmp_path / "g.zarr/pam.aux.xml").write_text(f"<PAMDataset>{arrays}</PAMDataset>")
    found = read_cube(tmp_path / "g.zarr")
    np.testing.assert_array_equal(found.data[:20], cube.data[:20])
    np.testing.assert_array_equal(found.data[20:], 0)
    assert (found.crs, found.transform) == (cube.crs, cube.transform)


def test_label_map_and_choice_of_arrays(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=3)
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    group.create_array("labels", data=labels, dimension_names=("y", "x"))
    for name in ("one", "two"):
        group.create_array(name, data=np.zeros((3, 4, 2), np.float32), dimension_names=NAMES)
    with pytest.raises(DataError, match="2 variables with three axes"):
        read_cube(tmp_path / "g.zarr")
    assert read_cube(tmp_path / "g.zarr", "two").data.shape == (3, 4, 2)
    np.testing.assert_array_equal(read_label_map(tmp_path / "g.zarr", "labels"), labels)


def test_axes_without_names_are_not_guessed(tmp_path: Path) -> None:
    bands_first = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    zarr.create_array(tmp_path / "a.zarr", data=bands_first)
    with pytest.raises(DataError, match="2x3x4 with dimensions without names; say which axis is which"):
        open_cube(tmp_path / "a.zarr")
    found = read_cube(tmp_path / "a.zarr", axes="band y x")
    np.testing.assert_array_equal(found.data, bands_first.transpose(1, 2, 0))


def test_what_could_run_code_is_refused(cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube)
    path = tmp_path / "a.zarr/cube/zarr.json"
    said = json.loads(path.read_text())
    shard = dict(name="sharding_indexed", configuration=dict(codecs=[dict(name="numcodecs.pickle")], index_codecs=[]))
    for codecs in ([*said["codecs"], dict(name="numcodecs.pickle")], [shard]):
        path.write_text(json.dumps({**said, "codecs": codecs}))
        with pytest.raises(FileFormatError, match=r"numcodecs\.pickle"):
            open_cube(tmp_path / "a.zarr")
    path.write_text("{")
    with pytest.raises(DataError, match="not Zarr's metadata"):
        open_cube(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (dict(filters=[numcodecs.Delta("i2")]), "packed by 'delta', which is not read"),
        (dict(compressors=numcodecs.Zlib()), "packed by 'zlib', which is not read"),
        (dict(dtype="U3"), "no variable with three axes"),
    ],
)
def test_what_version_2_may_hold_besides_is_refused(layout: dict, said: str, tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
    group.create_array("a", **{**dict(shape=(3, 4, 5), chunks=(3, 4, 5), dtype="i2"), **layout})
    with pytest.raises(DataError, match=said):
        open_cube(tmp_path / "old.zarr", axes="y x band")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<i2", ">i2", ">f4", "|u1"])
@pytest.mark.parametrize("packed", [None, "Blosc", "GZip", "Zstd"])
def test_arrays_of_version_2_are_read(order: str, kind: str, packed: str | None, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 200, (7, 5, 6)).astype(kind)
    array = zarr.create_array(
        tmp_path / "a.zarr",
        shape=values.shape,
        chunks=(4, 3, 6),
        dtype=kind,
        order=order,
        zarr_format=2,
        compressors=packed and getattr(numcodecs, packed)(),
        fill_value=None,
        attributes={"_ARRAY_DIMENSIONS": ["y", "x", "band"]},
    )
    array[...] = values
    assert not (tmp_path / "a.zarr/zarr.json").exists()
    found = read_cube(tmp_path / "a.zarr")
    assert found.nodata is None
    assert found.data.dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found.data, values)


def test_what_is_there_is_kept_until_the_new_one_is_whole(cube: HSICube, tmp_path: Path) -> None:
    (tmp_path / "other.zarr").mkdir()
    (tmp_path / "other.zarr/notes.txt").write_text("mine")
    with pytest.raises(DataError, match="is there and no Zarr"):
        write_zarr(tmp_path / "other.zarr", cube)
    write_zarr(tmp_path / "a.zarr", cube)
    broken = HSICube(cube.data.astype("U5"))
    with pytest.raises(DataError, match="cannot write"):
        write_zarr(tmp_path / "a.zarr", broken)
    with (
        pytest.raises(DataError, match="27 of 37 rows"),
        ZarrWriter(tmp_path / "a.zarr", (37, 29, 6), np.dtype(np.int16)) as writer,
    ):
        writer.write(0, np.zeros((10, 29, 6), np.int16))
    np.testing.assert_array_equal(read_cube(tmp_path / "a.zarr").data, cube.data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr", "other.zarr"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_pipes_in_the_place_of_chunks_are_not_waited_for(cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube)
    chunk = next(
        path for path in sorted((tmp_path / "a.zarr/cube").rglob("*")) if path.is_file() and path.suffix != ".json"
    )
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(FileFormatError, match="is no file; expected a chunk"):
        read_cube(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/pipe").mkdir()
    os.mkfifo(tmp_path / "a.zarr/pipe/zarr.json")
    with pytest.raises(DataError, match="is a pipe or a device"):
        open_cube(tmp_path / "a.zarr")


def test_scale_and_units_are_applied(cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube)
    node = tmp_path / "a.zarr/cube/zarr.json"
    said = json.loads(node.read_text())
    said["attributes"].update(scale_factor=0.5, add_offset=10, units="%")
    node.write_text(json.dumps(said))
    expected = np.where(cube.data == -1, np.nan, (cube.data * 0.5 + 10) / 100)
    np.testing.assert_allclose(read_cube(tmp_path / "a.zarr").data, expected, rtol=1e-5)


def _bombs(folder: Path, compressor: object) -> None:
    """An array of 1 kB a chunk, of which one unpacks to 40 MB."""
    values = np.zeros((16, 16, 4), np.uint8)
    for name, shape in (("small", (16, 16, 4)), ("large", (1 << 10, 10 << 10, 4))):
        array = zarr.create_array(
            folder / name,
            shape=shape,
            chunks=shape,
            dtype="u1",
            compressors=compressor,
            fill_value=9,
            dimension_names=NAMES,
        )
        array[...] = values if name == "small" else 0
    chunk = next((folder / "large" / "c").rglob("0"))
    while chunk.is_dir():
        chunk = next(chunk.iterdir())
    target = next(path for path in (folder / "small" / "c").rglob("*") if path.is_file())
    target.write_bytes(chunk.read_bytes())


@pytest.mark.parametrize("name", ["BloscCodec", "GzipCodec", "ZstdCodec"])
def test_a_chunk_that_unpacks_beyond_its_values_is_refused_before(name: str, tmp_path: Path) -> None:
    _bombs(tmp_path, getattr(zarr.codecs, name)())
    tracemalloc.start()
    with open_cube(tmp_path / "small") as reader, pytest.raises(FileFormatError, match="more than the 1024 bytes"):
        reader.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


@pytest.mark.parametrize("name", ["BloscCodec", "GzipCodec", "ZstdCodec"])
def test_whole_chunks_and_shards_are_read_as_before(name: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 200, (16, 16, 4), np.uint16)
    for file, shards in (("plain", None), ("shards", (16, 16, 4))):
        layout = dict(shape=values.shape, chunks=(8, 8, 4), shards=shards, dtype="u2", dimension_names=NAMES)
        zarr.create_array(tmp_path / file, compressors=getattr(zarr.codecs, name)(), **layout)[...] = values
        np.testing.assert_array_equal(read_cube(tmp_path / file).data, values)
        np.testing.assert_array_equal(read_cube(tmp_path / file, window=(3, 4, 9, 2)).data, values[3:12, 4:6])


@pytest.mark.parametrize(
    ("place", "number", "said"),
    [
        (12, 0x3C0000AB, "another length"),  # with a block in 768 MB: a signal 11 in Blosc 1.21
        (12, 20, "another length"),
        (8, 0, "another length"),
        (16, 0x30000000, "blocks that lie outside"),
        (16, 3, "blocks that lie outside"),
        (4, 1 << 20, "blocks that lie outside"),
        (None, 10, "cut within its header"),
    ],
)
def test_a_chunk_of_blosc_whose_header_is_not_true_never_reaches_it(
    tmp_path: Path, place: int | None, number: int, said: str
) -> None:
    values = np.arange(16 * 16 * 4, dtype=np.uint16).reshape(16, 16, 4)
    layout = dict(shape=values.shape, chunks=values.shape, dtype="u2", dimension_names=NAMES)
    zarr.create_array(tmp_path / "a", compressors=zarr.codecs.BloscCodec(), **layout)[...] = values
    chunk = tmp_path / "a/c/0/0/0"
    packed = bytearray(chunk.read_bytes())
    if place is None:
        packed = packed[:number]
    else:
        packed[place : place + 4] = number.to_bytes(4, "little")
    if number == 0x3C0000AB:
        packed[16:20] = (0x30000000).to_bytes(4, "little")
    chunk.write_bytes(packed)
    with open_cube(tmp_path / "a") as reader, pytest.raises(FileFormatError, match=said):
        reader.read()


def test_streams_of_zstandard_without_their_size_are_counted_by_block() -> None:
    """A frame of repeated bytes, written by hand (RFC 8878): nine blocks of 128 KiB in 36 bytes."""
    block = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"a"
    last = (1 | 1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"a"
    frame = b"\x28\xb5\x2f\xfd" + bytes([0, 0x58]) + block * 8 + last
    assert numcodecs.Zstd().decode(frame) == b"a" * (9 * 128 << 10)
    assert zstd_size(frame, 1 << 30) == 9 * 128 << 10


MISSING = [
    ("float32", float("nan")),
    ("float32", -9999.0),
    ("float32", 0.1),
    ("float64", -9999.0),
    ("float16", -999.0),
    ("int8", -1),
    ("int16", -9999),
    ("uint8", 0),
    ("uint16", 65535),
]
NEVER = [("uint16", -9999.0), ("int16", float("nan")), ("bool", 1)]
"""Types of which no value is the one that stands for "not measured"."""


@pytest.mark.parametrize(("dtype", "nodata"), MISSING)
@pytest.mark.parametrize("version", [2, 3])
def test_missing_values_that_xarray_writes_are_read(dtype: str, nodata: float, version: int, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    values = np.random.default_rng(0).integers(1, 100, (3, 5, 6)).astype(dtype)
    values[:, 2, 4] = nodata
    given = xarray.DataArray(values, dims=("band", "y", "x"), name="c", attrs={"_FillValue": values[0, 2, 4].item()})
    given["flight"] = "band", np.array(["a", "bc", "d"], object)  # texts beside it, which version 2 packs by a filter
    given.to_dataset().to_zarr(tmp_path / "x.zarr", zarr_format=version, mode="w")
    found = read_cube(tmp_path / "x.zarr")
    seen = xarray.open_zarr(tmp_path / "x.zarr")["c"].values.transpose(1, 2, 0)
    assert found.data.dtype == values.dtype
    np.testing.assert_array_equal(found.valid(), ~np.isnan(seen).any(axis=2))
    np.testing.assert_array_equal(found.data[found.valid()], seen[found.valid()])
    assert found.valid().sum() == 29


@pytest.mark.parametrize("said", [{"missing_value": -9999.0}, {"_FillValue": -5.0, "missing_value": -9999.0}])
def test_every_missing_value_counts(said: dict[str, float], tmp_path: Path) -> None:
    """Beside a missing_value xarray writes NaN as _FillValue."""
    xarray = pytest.importorskip("xarray")
    values = np.ones((2, 3, 4), np.float32)
    values[:, 0], values[:, 1, 1] = -9999, said.get("_FillValue", np.nan)
    xarray.DataArray(values, dims=("band", "y", "x"), name="c", attrs=said).to_dataset().to_zarr(
        tmp_path / "x.zarr", zarr_format=3, mode="w"
    )
    with pytest.warns(xarray.SerializationWarning) if len(said) > 1 else nullcontext():
        seen = xarray.open_zarr(tmp_path / "x.zarr")["c"].values
    np.testing.assert_array_equal(read_cube(tmp_path / "x.zarr").valid(), ~np.isnan(seen).any(axis=0))


@pytest.mark.parametrize("version", [2, 3])
def test_a_packed_array_of_xarray_is_scaled_with_its_missing_values(version: int, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    values = np.random.default_rng(0).random((3, 5, 6)).astype(np.float32)
    values[:, 1, 1] = np.nan
    packing = dict(dtype="int16", scale_factor=1e-4, add_offset=0.5, _FillValue=-9999)
    given = xarray.DataArray(values, dims=("band", "y", "x"), name="c")
    given.to_dataset().to_zarr(tmp_path / "x.zarr", zarr_format=version, mode="w", encoding=dict(c=packing))
    seen = xarray.open_zarr(tmp_path / "x.zarr")["c"].values
    np.testing.assert_allclose(read_cube(tmp_path / "x.zarr").data, seen.transpose(1, 2, 0), rtol=1e-6)


@pytest.mark.parametrize("text", ["AAAA====", "nothing", "AAAAAAA!+H8=", [[1]]])
def test_a_missing_value_that_is_no_number_is_named(text: object, cube: HSICube, tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", cube)
    node = tmp_path / "a.zarr/cube/zarr.json"
    said = json.loads(node.read_text())
    said["attributes"]["_FillValue"] = text
    node.write_text(json.dumps(said))
    with pytest.raises(FileFormatError, match=r"_FillValue is .*expected a number"):
        open_cube(tmp_path / "a.zarr")


@pytest.mark.parametrize(("dtype", "nodata"), [*MISSING, *NEVER])
def test_xarray_reads_what_is_written(dtype: str, nodata: float, cube: HSICube, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    values = (cube.data % 100 + 1).astype(dtype)
    if (dtype, nodata) in MISSING:
        values[3, 4] = nodata
    given = replace(cube, data=values, nodata=nodata)
    write_zarr(tmp_path / "a.zarr", given, chunk=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = xarray.open_zarr(tmp_path / "a.zarr", consolidated=False)["cube"]
    rows = seen.values.transpose(1, 2, 0)
    np.testing.assert_array_equal(np.isnan(rows.astype(float)).any(axis=2), ~given.valid())
    np.testing.assert_array_equal(rows[given.valid()], values[given.valid()])
    back = read_cube(seen)
    np.testing.assert_array_equal(back.valid(), given.valid())
    for name in ("wavelengths", "fwhm", "good_bands"):
        np.testing.assert_array_equal(getattr(back, name), getattr(cube, name))
    assert (back.crs, back.transform) == (cube.crs, cube.transform)
    again = read_cube(tmp_path / "a.zarr")
    np.testing.assert_array_equal(again.data, values)
    np.testing.assert_array_equal(again.valid(), given.valid())


def test_the_place_of_a_part_that_xarray_cut(cube: HSICube, tmp_path: Path) -> None:
    """Its GeoTransform stays that of the whole; rows and columns say where it lies."""
    xarray = pytest.importorskip("xarray")
    write_zarr(tmp_path / "a.zarr", cube)
    for name, rows, columns in (("part", slice(5, 20), slice(9, 12)), ("row", slice(7, 8), slice(3, None))):
        cut = xarray.open_zarr(tmp_path / "a.zarr", consolidated=False).isel(y=rows, x=columns).load()
        for variable in cut.variables.values():
            variable.encoding.pop("chunks", None)
        cut.to_zarr(tmp_path / f"{name}.zarr", zarr_format=3)
        found = read_cube(tmp_path / f"{name}.zarr", "cube")
        assert found.transform == from_origin(366000 + 30 * columns.start, 5800000 - 30 * rows.start, 30, 30)
        np.testing.assert_array_equal(found.data, cube.data[rows, columns])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (1, 4, 1), (6, 1, 3), (3, 4, 1)])
def test_scenes_of_one_pixel_row_or_band_come_back(shape: tuple[int, int, int], tmp_path: Path) -> None:
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    nm = 400 + 10.0 * np.arange(shape[2])
    given = HSICube(data, nm, nm / 50, crs=CRS.from_epsg(32633), transform=from_origin(3, 8, 2, 2))
    write_zarr(tmp_path / "a.zarr", given)
    found = read_cube(tmp_path / "a.zarr")
    np.testing.assert_array_equal(found.data, data)
    np.testing.assert_array_equal(found.wavelengths, nm)
    assert (found.crs, found.transform) == (given.crs, given.transform)


@pytest.mark.parametrize("place", [from_origin(10, 20, 0.5, 0.25), from_origin(1, 2, 3, 4) @ Affine.rotation(30)])
def test_a_place_without_a_coordinate_system_is_kept(place: Affine, cube: HSICube, tmp_path: Path) -> None:
    given = replace(cube, crs=None, transform=place)
    write_zarr(tmp_path / "a.zarr", given)
    assert read_cube(tmp_path / "a.zarr").crs is None
    np.testing.assert_allclose(read_cube(tmp_path / "a.zarr").transform, place)
    pytest.importorskip("xarray")
    np.testing.assert_allclose(read_cube(given.to_xarray()).transform, place)
