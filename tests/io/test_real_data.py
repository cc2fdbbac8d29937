"""Published scenes, checked against what their authors say of them."""

import numpy as np
import pytest
import rasterio

from mmhsi.io import open_cube, read_cube, read_label_map


def test_salinas_a(shared_data):
    cube = read_cube(shared_data / "salinas_a" / "SalinasA_corrected.mat")
    assert cube.data.shape == (83, 86, 204)
    assert cube.data.dtype == np.dtype("int16")
    assert (cube.data.min(), cube.data.max()) == (-9, 8373)
    labels = read_label_map(shared_data / "salinas_a" / "SalinasA_gt.mat")
    assert labels.shape == (83, 86)
    numbers, counts = np.unique(labels, return_counts=True)
    assert numbers.tolist() == [0, 1, 10, 11, 12, 13, 14]
    assert counts[1:].tolist() == [391, 1343, 616, 1525, 674, 799]


@pytest.mark.parametrize(
    ("file", "shape", "classes"),
    [("Indian_pines_gt", (145, 145), 16), ("PaviaU_gt", (610, 340), 9), ("Salinas_gt", (512, 217), 16)],
)
def test_classic_label_maps(shared_data, file, shape, classes):
    labels = read_label_map(shared_data / "classic_gt" / f"{file}.mat")
    assert labels.shape == shape
    assert np.unique(labels).tolist() == list(range(classes + 1))


def test_enmap_tile(shared_data):
    path = shared_data / "enmap_potsdam" / "images" / "enmap_potsdam_tile_128_0.tif"
    with open_cube(path) as reader:
        info = reader.info
        cube = reader.read()
        part = reader.read((8, 4, 16, 20), [223, 0])
    assert info.shape == (32, 32, 224)
    assert info.dtype == np.dtype("float32")
    assert np.isnan(info.nodata)  # the file's -32768 once its scale of 1/10000 is applied
    assert info.crs.to_epsg() == 32633
    assert info.transform.a == 30.0
    assert info.wavelengths is not None
    assert info.fwhm is not None
    assert (round(info.wavelengths[0]), round(info.wavelengths[-1])) == (418, 2446)
    assert info.fwhm[0] == pytest.approx(6.99561)
    assert int(info.good_bands.sum()) == 218
    assert np.flatnonzero(~info.good_bands).tolist() == [129, 130, 131, 132, 133, 134]
    # the bad bands are nodata everywhere, yet the scene is valid
    with rasterio.open(path) as dataset:
        stored = dataset.read().transpose(1, 2, 0)
        assert set(dataset.scales) == {0.0001}
    assert (stored[..., ~cube.good_bands] == -32768).all()
    assert np.isnan(cube.data[..., ~cube.good_bands]).all()
    good = cube.good_bands
    np.testing.assert_allclose(cube.data[..., good], stored[..., good] * 1e-4, rtol=1e-6)
    assert cube.valid().all()
    np.testing.assert_array_equal(part.data, cube.data[8:24, 4:24, [223, 0]])


def test_enmap_labels(shared_data):
    path = shared_data / "enmap_potsdam" / "labels" / "enmap_potsdam_tile_128_0.tif"
    with rasterio.open(path) as dataset:
        stored = dataset.read(1)
    assert stored.dtype == np.dtype("float32")
    labels = read_label_map(path)
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) <= set(range(7))
    np.testing.assert_array_equal(labels, stored)


def test_houston(shared_data):
    path = shared_data / "houston2018_crop" / "houston_dataset.mat"
    scene = read_cube(path, key="hyprImg")
    assert scene.data.shape == (128, 128, 48)
    assert scene.data.dtype == np.dtype("uint16")
    assert read_cube(path, key="rgbImg", window=(500, 500, 12, 12)).data.shape == (12, 12, 3)
    labels = read_label_map(path)
    assert labels.shape == (512, 512)
    assert np.unique(labels).tolist() == list(range(13))


def test_abu(shared_data):
    path = shared_data / "abu" / "abu-airport-2.mat"
    with open_cube(path) as reader:
        assert reader.info.shape == (100, 100, 205)
        assert reader.info.dtype == np.dtype("uint16")
        np.testing.assert_array_equal(
            reader.read((10, 20, 30, 40), [204]).data[..., 0], reader.read().data[10:40, 20:60, 204]
        )
