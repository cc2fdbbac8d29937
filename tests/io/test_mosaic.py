"""Tiles of one scene read as one, beside rasterio's own merging."""

import pickle

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.merge import merge

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import open_cube, read_cube, read_label_map
from mmhsi.io.readers import mosaic

PLACE = Affine(30, 0, 364000, 0, -30, 5809000)


def moved(row, column, place=PLACE):
    """A transform whose corner is a pixel of another's grid."""
    a, b, c, d, e, f = place[:6]
    return Affine(a, b, c + a * column + b * row, d, e, f + d * column + e * row)


def write_tile(path, values, row, column, place=PLACE, mask=None, **options):
    """A GeoTIFF of values (C, H, W) with its corner at a pixel of the grid."""
    where = dict(crs="EPSG:32633", transform=moved(row, column, place)) | options.pop("where", {})
    shape = dict(count=len(values), height=values.shape[1], width=values.shape[2], dtype=values.dtype)
    with rasterio.open(path, "w", driver="GTiff", **shape, **where, **options) as file:
        file.write(values)
        if mask is not None:
            file.write_mask(mask)


@pytest.fixture
def tiles(tmp_path):
    """Five tiles of unequal sizes with gaps, overlaps, and missing values at their borders."""
    rng = np.random.default_rng(0)
    corners = [(0, 0), (0, 6), (5, 3), (12, 0), (9, 9)]
    for index, (row, column) in enumerate(corners):
        values = rng.integers(0, 5000, (3, 7 + index % 2, 8)).astype(np.int16)
        values[:, :2] = values[:, :, -1] = -32768
        write_tile(tmp_path / f"t{index}.tif", values, row - 4, column + 2, nodata=-32768)
    return tmp_path


def test_it_is_what_rasterio_merges(tiles):
    merged, place = merge(sorted(tiles.glob("*.tif")), method="last")
    with open_cube(tiles / "t*.tif") as reader:
        assert reader.info.transform == place
        assert reader.info.nodata == -32768
        cube = reader.read()
        np.testing.assert_array_equal(cube.data, merged.transpose(1, 2, 0))
        for window in ((3, 2, 5, 9), (0, 0, 1, 1), (10, 0, 4, 14)):
            row, column, height, width = window
            part = pickle.loads(pickle.dumps(reader)).read(window, bands=[2, 0])
            expected = merged[[2, 0], row : row + height, column : column + width].transpose(1, 2, 0)
            np.testing.assert_array_equal(part.data, expected)
            assert part.transform == moved(row, column, place)
        assert [path.name for path in reader.files] == [f"t{index}.tif" for index in range(5)]
    np.testing.assert_array_equal(cube.valid(), (merged != -32768).all(axis=0))


def test_more_tiles_than_a_process_may_open(tiles, monkeypatch):
    before = read_cube(tiles / "t*.tif")
    monkeypatch.setattr(mosaic, "MOST_OPEN", 2)
    with open_cube(tiles / "t*.tif") as reader:
        np.testing.assert_array_equal(reader.read().data, before.data)
        assert all(tile._handle is None for tile in reader._sources)


def test_values_without_nodata_have_no_data_between_the_tiles(tmp_path):
    ones = np.ones((1, 4, 4), np.uint8)
    mask = np.ones((4, 4), bool)
    mask[0] = False
    write_tile(tmp_path / "a.tif", ones, 0, 0, mask=mask)
    write_tile(tmp_path / "b.tif", 2 * ones, 4, 4)
    expected = np.kron(np.eye(2, dtype=bool), np.ones((4, 4), bool))
    expected[0] = False
    np.testing.assert_array_equal(read_cube(tmp_path / "?.tif").valid(), expected)
    labels = read_label_map(tmp_path / "?.tif", fill=0)
    np.testing.assert_array_equal(labels, np.kron(np.diag([1, 2]), np.ones((4, 4))) * expected)


def test_scales_are_those_of_the_tiles(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 9000, (2, 4, 8)).astype(np.uint16)
    write_tile(tmp_path / "a.tif", values[..., :4], 0, 0)
    write_tile(tmp_path / "b.tif", values[..., 4:], 0, 4)
    for path in tmp_path.glob("*.tif"):
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (0.5, 0.25), (1, 2)
    cube = read_cube(tmp_path / "[ab].tif")
    np.testing.assert_allclose(cube.data, values.transpose(1, 2, 0) * [0.5, 0.25] + [1, 2])


WRONG = {
    "half a pixel": (dict(place=moved(0, 0.5)), "lies off the grid"),
    "finer": (dict(place=Affine(15, *PLACE[1:4], -15, PLACE[5])), "lies off the grid"),
    "south up": (dict(place=Affine(*PLACE[:4], 30, PLACE[5])), "lies off the grid"),
    "elsewhere": (dict(where=dict(crs="EPSG:32632")), "has the system EPSG:32632"),
    "no place": (dict(where=dict(transform=Affine.identity())), "has no place on the ground"),
    "nodata": (dict(nodata=0), "has other nodata than"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_tile_of_another_scene_is_refused(tmp_path, name):
    values = np.ones((2, 4, 4), np.int16)
    write_tile(tmp_path / "a.tif", values, 0, 0)
    options, said = WRONG[name]
    write_tile(tmp_path / "b.tif", values, 0, 4, **options)
    with pytest.raises(DataError, match=f"b.tif: {said}"):
        open_cube(tmp_path / "*.tif")


def test_other_bands_types_and_names(tmp_path):
    write_tile(tmp_path / "a.tif", np.ones((2, 4, 4), np.int16), 0, 0)
    write_tile(tmp_path / "b.tif", np.ones((3, 4, 4), np.int16), 0, 4)
    write_tile(tmp_path / "c.tif", np.ones((2, 4, 4), np.uint8), 0, 4)
    for pattern, said in (("[ab].tif", "has bands 3"), ("[ac].tif", "has values of type uint8")):
        with pytest.raises(DataError, match=said):
            open_cube(tmp_path / pattern)
    with pytest.raises(FileFormatError, match="no file has such a name"):
        open_cube(tmp_path / "d*.tif")
    with pytest.raises(DataError, match="take no key="):
        open_cube(tmp_path / "a*.tif", key="1")


def test_a_file_of_just_this_name_is_no_pattern(tmp_path):
    write_tile(tmp_path / "a[1].tif", np.ones((2, 4, 4), np.int16), 0, 0)
    assert read_cube(tmp_path / "a[1].tif").data.shape == (4, 4, 2)
