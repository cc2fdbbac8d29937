"""Maps as cloud-optimised GeoTIFFs, read by hand from their bytes and by rasterio."""

import struct
from itertools import pairwise

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

from mmhsi.errors import DataError
from mmhsi.io import ClassMapWriter, ValueMapWriter
from mmhsi.io.row_writer import RowWriter

PLACE = dict(crs=CRS.from_epsg(32633), transform=from_origin(366000, 5800000, 30, 30))
SHAPE = (600, 1100)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 12: 8, 16: 8}


def directories(path):
    """(offset, width, height, first byte of its tiles, last) of every image file directory, in the chain's order."""
    data = path.read_bytes()
    assert data[:4] == b"II*\0"
    at, found = struct.unpack("<I", data[4:8])[0], []
    while at:
        count = struct.unpack("<H", data[at : at + 2])[0]
        tags = {}
        for number in range(count):
            tag, kind, many, _ = struct.unpack("<HHII", data[at + 2 + 12 * number : at + 14 + 12 * number])
            start = at + 10 + 12 * number
            if SIZES[kind] * many > 4:
                start = struct.unpack("<I", data[start : start + 4])[0]
            code = {3: "H", 4: "I"}.get(kind)
            if code:
                tags[tag] = struct.unpack(f"<{many}{code}", data[start : start + SIZES[kind] * many])
        offsets, sizes = tags[324], tags[325]  # TileOffsets, TileByteCounts
        assert tags[322] == tags[323] == (256,)
        end = max(offset + size for offset, size in zip(offsets, sizes, strict=True))
        found.append((at, tags[256][0], tags[257][0], min(offsets), end))
        at = struct.unpack("<I", data[at + 2 + 12 * count : at + 6 + 12 * count])[0]
    return found


def class_map(path):
    classes = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    classes[:256, :256] = 7
    names, palette = ["a", "b", "c", "d"], [(1, 2, 3), (9, 0, 0), (0, 9, 0), (0, 0, 9)]
    with ClassMapWriter(
        path, SHAPE, class_names=names, palette=palette, class_ids=[0, 1, 2, 7], nodata=255, **PLACE
    ) as out:
        for row in range(0, SHAPE[0], 100):
            out.write_rows(row, classes[row : row + 100])
    return classes


def value_map(path):
    values = np.random.default_rng(0).random((2, *SHAPE), dtype=np.float32)
    values[:, 4:9, 100] = np.nan
    with ValueMapWriter(path, SHAPE, ["Wald", "水"], **PLACE) as out:
        for row in range(0, SHAPE[0], 100):
            for band in range(2):
                out.write_rows(row, values[band, row : row + 100], band)
    return values


@pytest.mark.parametrize("most", [0, 1 << 30], ids=["on disk", "in memory"])
@pytest.mark.parametrize("make", [class_map, value_map])
def test_directories_come_first_and_coarse_tiles_before_fine_ones(tmp_path, monkeypatch, make, most):
    monkeypatch.setattr("mmhsi.io.row_writer.IN_MEMORY", most)
    path = tmp_path / "map.tif"
    make(path)
    found = directories(path)
    assert [(width, height) for _, width, height, _, _ in found] == [(1100, 600), (550, 300), (275, 150), (137, 75)][
        : len(found)
    ]
    assert min(found[-1][1:3]) <= 256 or len(found) > 2
    places = [at for at, *_ in found]
    assert places == sorted(places)
    assert max(places) < min(first for *_, first, _ in found)  # all directories before any tile
    for (*_, fine, _), (*_, end) in pairwise(found):
        assert end <= fine  # the tiles of an overview lie before those of what it is one of
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp" or ".tmp" in path.name] == []


def test_a_class_map_keeps_values_colours_and_names(tmp_path):
    path = tmp_path / "map.tif"
    classes = class_map(path)
    with rasterio.open(path) as written:
        np.testing.assert_array_equal(written.read(1), classes)
        assert written.colormap(1)[7] == (0, 0, 9, 255)
        assert written.descriptions == ("class",)
        assert written.tags()["class_ids"] == "[0, 1, 2, 7]"
        assert written.nodata == 255
    with rasterio.open(path, overview_level=0) as coarse:
        found = coarse.read(1)
    assert set(np.unique(found)) <= {0, 1, 2, 7}  # classes, no means of their numbers
    assert (found[:128, :128] == 7).all()
    four = classes[300:302, 500:502].ravel()
    most = np.bincount(four)
    assert most[found[150, 250]] == most.max()


def test_values_keep_names_scale_unit_and_their_mean(tmp_path):
    path = tmp_path / "map.tif"
    values = value_map(path)
    with rasterio.open(path) as written:
        np.testing.assert_array_equal(written.read(), values)
        assert written.descriptions == ("Wald", "水")
        assert (written.scales, written.offsets, written.units) == ((1.0, 1.0), (0.0, 0.0), ("1", "1"))
        assert np.isnan(written.nodata)
    with rasterio.open(path, overview_level=0) as coarse:
        found = coarse.read()
    np.testing.assert_allclose(found[:, 100, 200], values[:, 200:202, 400:402].mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found[:, 3, 50], np.nanmean(values[:, 6:8, 100:102], axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize(("band", "row", "column"), [(1, 0, 0), (2, 300, 700), (2, 599, 1099)])
def test_a_value_that_changes_on_its_way_is_noticed(tmp_path, monkeypatch, band, row, column):
    optimise = RowWriter._optimise

    def damaging(self, overviews):
        window = Window(column, row, 1, 1)
        with rasterio.open(self._rows, "r+") as file:
            file.write(file.read(band, window=window) + 1, band, window=window)
        optimise(self, overviews)

    monkeypatch.setattr(RowWriter, "_optimise", damaging)
    with pytest.raises(DataError, match="cannot write all of it"):
        value_map(tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()


def test_small_maps_have_no_overview(tmp_path):
    with ValueMapWriter(tmp_path / "one.tif", (1, 1), ["x"]) as out:
        out.write_rows(0, np.ones((1, 1), np.float32))
    with rasterio.open(tmp_path / "one.tif") as written:
        assert written.overviews(1) == []
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
