"""What a scene dataset makes of its values: second sources, transforms, statistics, pixels without data."""

import json

import numpy as np
import pytest
import rasterio
from scene_files import dataset, write_files
from sklearn.decomposition import PCA

from mmhsi.datasets.mirroring import pad_scene
from mmhsi.datasets.transforms import GaussianBlur, PCAProject, fit_pca
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_cube


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_finer_source_is_mirrored_in_register(scale):
    # A fine image whose every block names its coarse pixel: after padding both still agree.
    coarse = np.arange(5 * 6).reshape(5, 6)
    fine = coarse.repeat(scale, 0).repeat(scale, 1)
    padded = pad_scene(fine, (5, 8), scale)
    np.testing.assert_array_equal(padded, pad_scene(coarse, (5, 8)).repeat(scale, 0).repeat(scale, 1))
    # Within blocks, a mirrored block is reversed and its neighbour is not.
    inner = np.arange(5 * scale)[:, None].repeat(6 * scale, 1)
    column = pad_scene(inner, (3, 1), scale)[:, 0]
    assert column[: 2 * scale].tolist() == [*range(2 * scale - 1, scale - 1, -1), *range(scale)]


def test_two_sources_of_different_resolution(files):
    root, _, _ = files
    second = np.random.default_rng(1).integers(0, 255, (24, 30, 3)).astype(np.uint8)
    np.save(root / "rgb.npy", second)
    data = dataset(root, use_second=True, second_image="rgb.npy", second_scale=2, window=3, subset="all")
    sample = data[5 * 15 + 7]  # row 5, column 7: its window begins at row 4, column 6
    np.testing.assert_array_equal(sample["second"], second[8:14, 12:18])
    corner = data[0]["second"]  # the block before the first is the second one, turned about
    np.testing.assert_array_equal(corner[:2, :2], second[2:4, 2:4][::-1, ::-1])
    np.testing.assert_array_equal(corner[2:, 2:], second[:4, :4])
    np.testing.assert_allclose(data.second_statistics().mean, second.reshape(-1, 3).mean(0))
    with pytest.raises(
        DataError, match=r"rgb\.npy: 24 x 30 pixels are 2 x 2 times the 12 x 15 of .* expected second_scale=3"
    ):
        dataset(root, use_second=True, second_image="rgb.npy", second_scale=3)
    np.save(root / "rgb.npy", second[:18, :20])
    with pytest.raises(DataError, match=r"pixels are 1\.5 x 1\.333 times the .* expected a whole number, the same"):
        dataset(root, use_second=True, second_image="rgb.npy", second_scale=1)
    with pytest.raises(ConfigError, match="has no second source"):
        dataset(root, use_second=True)


def test_sources_on_different_ground_are_refused(tmp_path):
    def write(name, size, pixel, east):
        transform = rasterio.transform.from_origin(366000 + east, 5800000, pixel, pixel)
        data = np.ones((size, size, 2), dtype=np.float32)
        write_cube(tmp_path / name, HSICube(data, crs=rasterio.CRS.from_epsg(32633), transform=transform))

    write("cube.tif", 8, 30, 0)
    write("fine.tif", 16, 15, 0)
    write("moved.tif", 16, 15, 40)
    keys = dict(image="cube.tif", labels=None, subset="all", use_second=True, second_scale=2)
    assert dataset(tmp_path, second_image="fine.tif", **keys).second.shape == (16, 16, 2)
    with pytest.raises(DataError, match=r"moved\.tif: lies elsewhere"):
        dataset(tmp_path, second_image="moved.tif", **keys)


def test_transforms_are_applied_to_the_cube_once(files):
    root, cube, _ = files
    fit_pca([cube.reshape(-1, 6)], 2, root / "pca.npz")
    data = dataset(root, transforms=[dict(type="PCAProject", file=str(root / "pca.npz"))])
    expected = PCA(2).fit_transform(cube.reshape(-1, 6).astype(float)).reshape(12, 15, 2)
    np.testing.assert_allclose(abs(data.cube.data), abs(expected), rtol=1e-3, atol=1)
    assert data.band_statistics().mean == pytest.approx([0, 0], abs=1)
    with pytest.raises(ConfigError, match=r"Resize \(scope 'image'\) depends on all pixels"):
        dataset(root, transforms=[dict(type="Resize", size=4)])


def test_transforms_may_be_objects(files):
    root, cube, _ = files
    fit_pca([cube.reshape(-1, 6)], 2, root / "pca.npz")
    config = dict(type="PCAProject", file=str(root / "pca.npz"), whiten=True)
    one, other = (dataset(root, transforms=[step]) for step in (config, PCAProject(str(root / "pca.npz"), whiten=True)))
    np.testing.assert_array_equal(one.cube.data, other.cube.data)
    (root / "pca.npz").unlink()
    again = dataset(root, transforms=json.loads(json.dumps(other.metainfo))["transforms"])
    np.testing.assert_array_equal(one.cube.data, again.cube.data)
    with pytest.raises(ConfigError, match=r"GaussianBlur .*draws numbers"):
        dataset(root, transforms=[GaussianBlur()])


def test_statistics_and_bad_bands(files):
    root, cube, _ = files
    data = dataset(root, bad_bands=[0, 4])
    assert data.metainfo["bands"] == [1, 2, 3, 5]
    np.testing.assert_allclose(data.band_statistics().mean, cube[..., [1, 2, 3, 5]].reshape(-1, 4).mean(axis=0))


def test_nodata_pixels_are_neither_samples_nor_statistics(tmp_path):
    data = np.random.default_rng(0).normal(100, 5, (8, 9, 3)).astype(np.float32)
    data[2, 3, 1] = -9999
    data[4, 4] = -9999
    write_cube(tmp_path / "c.tif", HSICube(data, nodata=-9999))
    scene = dataset(tmp_path, image="c.tif", labels=None, subset="all")
    assert len(scene) == 8 * 9 - 2
    assert scene.band_statistics().mean.min() > 90
    place = {divmod(int(pixel), 9): index for index, pixel in enumerate(scene.pixels)}
    assert not scene[place[2, 2]]["valid"][2, 3]
    assert scene[place[2, 2]]["valid"].sum() == 25 - 2  # [2, 3] and, two rows and columns on, [4, 4]
