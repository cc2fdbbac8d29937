"""Every file of a set of tiles speaks for itself."""

import numpy as np
import pytest
from cube_files import write_geotiff

from mmhsi.datasets import TileDataset
from mmhsi.errors import DataError

LOAD = [dict(type="LoadCube"), dict(type="PackTile")]


def _tile(folder, name, shape, wavelengths=None, bbl="11111", **profile):
    values = np.arange(np.prod(shape)).reshape(shape).astype("int16")
    tags = {band + 1: {"bbl": bbl[band]} for band in range(shape[2])}
    for band, nm in enumerate(wavelengths or ()):
        tags[band + 1]["wavelength"] = str(nm)
    (folder / "image").mkdir(exist_ok=True)
    write_geotiff(folder / "image" / name, np.ascontiguousarray(values), tags, **profile)
    return values


def _dataset(folder, **keys):
    return TileDataset(data_root=str(folder), image_dir="image", with_labels=False, **{"pipeline": LOAD, **keys})


@pytest.mark.parametrize("names", [("a.tif", "b.tif"), ("b.tif", "a.tif")])
def test_sizes(tmp_path, scope, names):
    small = _tile(tmp_path, names[0], (24, 24, 5))
    large = _tile(tmp_path, names[1], (48, 64, 5))
    data = _dataset(tmp_path, window=16)
    assert len(data) == 1 + 3 * 4
    for index in range(len(data)):
        entry = data.get_data_info(index)
        row, column, height, width = entry["window"]
        values = small if entry["img_path"].endswith(names[0]) else large
        expected = values[row : row + height, column : column + width].transpose(2, 0, 1)
        np.testing.assert_array_equal(data[index]["inputs"].numpy(), expected)
    shapes = {data.get_data_info(index)["tile_shape"] for index in range(len(data))}
    assert shapes == {(24, 24), (48, 64)}


def test_random_windows_reach_every_corner(tmp_path, scope):
    _tile(tmp_path, "a.tif", (24, 24, 5))
    _tile(tmp_path, "b.tif", (48, 64, 5))
    data = _dataset(tmp_path, pipeline=[dict(type="RandomReadWindow", size=16)])
    places = np.array([data[1]["window"][:2] for _ in range(400)])
    assert places.max(axis=0).tolist() == [32, 48]
    assert places.min(axis=0).tolist() == [0, 0]


def test_a_region_that_one_file_does_not_have(tmp_path, scope):
    _tile(tmp_path, "a.tif", (48, 64, 5))
    _tile(tmp_path, "b.tif", (24, 24, 5))
    with pytest.raises(Exception, match=r"leaves .*b\.tif, which has 24 x 24"):
        _dataset(tmp_path, region=(10, 10, 20, 20))


NM = [400, 500, 600, 700, 800]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (dict(shape=(24, 24, 4)), "4 bands, the dataset's first tile has 5"),
        (dict(wavelengths=[400, 500, 620, 700, 800]), "band 2 lies at 620 nm, that of the first tile .* at 600 nm"),
        (dict(bbl="11011"), "flags other bands bad .*0-based: 2"),
    ],
)
def test_bands_of_another_file(tmp_path, scope, keys, words):
    _tile(tmp_path, "a.tif", (24, 24, 5), NM)
    _tile(tmp_path, "b.tif", **{"shape": (24, 24, 5), "wavelengths": NM[: keys.get("shape", (0, 0, 5))[2]], **keys})
    with pytest.raises(DataError, match=rf"b\.tif: {words}"):
        _dataset(tmp_path)


def test_bad_bands_named_for_all(tmp_path, scope):
    _tile(tmp_path, "a.tif", (24, 24, 5), NM)
    _tile(tmp_path, "b.tif", (24, 24, 5), NM, bbl="11011")
    assert _dataset(tmp_path, scene=dict(bad_bands=[2])).metainfo["bands"] == [0, 1, 3, 4]


def test_scale_and_type_of_each_file(tmp_path, scope):
    import rasterio

    values = _tile(tmp_path, "a.tif", (24, 24, 5))
    _tile(tmp_path, "b.tif", (24, 24, 5))
    with rasterio.open(tmp_path / "image/b.tif", "r+") as dataset:
        dataset.scales, dataset.offsets = (2.0,) * 5, (100.0,) * 5
    data = _dataset(tmp_path)
    first, second = (data[index]["inputs"].numpy() for index in range(2))
    np.testing.assert_array_equal(first, values.transpose(2, 0, 1))
    np.testing.assert_array_equal(second, values.transpose(2, 0, 1) * 2.0 + 100)
