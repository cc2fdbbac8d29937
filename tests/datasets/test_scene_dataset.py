"""The scene dataset, from generated files."""

import json

import numpy as np
import pytest
import rasterio
import scipy.io
from mmengine.dataset import pseudo_collate
from sklearn.decomposition import PCA
from torch.utils.data import DataLoader

from mmhsi.datasets import MultiSizeBatchSampler, SceneDataset, SeededSampler, SizedIndex
from mmhsi.datasets.scene_dataset import pad_scene
from mmhsi.datasets.transforms import fit_pca
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_cube
from mmhsi.models import ScenePreprocessor

CLASSES = dict(classes=["a", "b"], label_ids=[3, 7])


@pytest.fixture
def files(tmp_path):
    """A 12 × 15 × 6 cube and its labels as .mat files, ids 0, 3 and 7."""
    rng = np.random.default_rng(0)
    cube = rng.integers(-50, 8000, (12, 15, 6)).astype(np.int16)
    labels = rng.choice([0, 3, 7], (12, 15)).astype(np.uint8)
    scipy.io.savemat(tmp_path / "cube.mat", {"x": cube})
    scipy.io.savemat(tmp_path / "gt.mat", {"y": labels})
    return tmp_path, cube, labels


def dataset(root, **kwargs):
    defaults = dict(data_root=root, image="cube.mat", labels="gt.mat", window=5, subset="labelled", **CLASSES)
    return SceneDataset(**{**defaults, **kwargs})


def test_samples_are_the_labelled_pixels(files):
    root, _, labels = files
    data = dataset(root)
    expected = [(r, c, {3: 0, 7: 1}[int(labels[r, c])]) for r, c in np.argwhere(labels > 0)]
    (batch,) = data.__getitems__(list(range(len(data))))
    assert list(zip(batch["row"], batch["column"], batch["label"], strict=True)) == expected
    one = data[5]
    assert (one["row"].item(), one["column"].item(), one["label"].item()) == expected[5]


def test_train_and_test_share_no_pixel(files):
    root, _, _ = files
    split = dict(type="FewShotSplit", per_class=4, seed=1)
    train, test = (dataset(root, subset=subset, split=split) for subset in ("train", "test"))
    assert len(train) == 8
    assert not set(train.pixels) & set(test.pixels)
    assert train.metainfo["protocol"] == test.metainfo["protocol"]


@pytest.mark.parametrize("window", [1, 4, 5, (3, 8)])
def test_the_padded_scene_holds_every_window(files, window):
    root, cube, _ = files
    data = dataset(root, window=window, subset="all")
    h, w = (window, window) if isinstance(window, int) else window
    mirrored = np.pad(cube, ((h, h), (w, w), (0, 0)), mode="reflect")
    for row, column in [(0, 0), (11, 14), (5, 0), (0, 7)]:
        wanted = mirrored[row + h - h // 2 :, column + w - w // 2 :][:h, :w]
        np.testing.assert_array_equal(data.padded[row : row + h, column : column + w].numpy(), wanted)
    assert len(data) == 12 * 15
    assert len(dataset(root, subset="all", stride=4)) == 3 * 4


def test_an_index_with_a_size_has_a_window_of_that_side(files):
    root, cube, _ = files
    data = dataset(root, window=3, largest_window=9, subset="all")
    mirrored = np.pad(cube, ((9, 9), (9, 9), (0, 0)), mode="reflect")
    for index in (0, 44, 179):
        for sample, side in ((data[index], 3), (data[SizedIndex(index, 0, 4)], 4), (data[np.int64(index)], 3)):
            row, column = divmod(index, 15)
            assert (sample["height"], sample["width"]) == (side, side)
            cut = sample["scene"][sample["top"].item() :, sample["left"].item() :][:side, :side]
            start = 9 - side // 2
            np.testing.assert_array_equal(cut, mirrored[row + start :, column + start :][:side, :side])


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
    fine = sample["second"][2 * sample["top"].item() :, 2 * sample["left"].item() :][:6, :6]
    np.testing.assert_array_equal(fine, second[8:14, 12:18])
    np.testing.assert_allclose(data.second_statistics().mean, second.reshape(-1, 3).mean(0))
    with pytest.raises(DataError, match=r"rgb\.npy: 24 x 30 pixels do not cover the ground .* at second_scale=3"):
        dataset(root, use_second=True, second_image="rgb.npy", second_scale=3)
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
    with pytest.raises(ConfigError, match="Resize depends on more than one pixel"):
        dataset(root, transforms=[dict(type="Resize", size=4)])


def test_windows_of_several_sizes_through_a_loader(files, scope):
    root, cube, _ = files
    data = dataset(root, window=3, largest_window=9, subset="all")
    sampler = MultiSizeBatchSampler(SeededSampler(data, seed=1), batch_size=20, sizes=(3, 5, 9))
    preprocessor = ScenePreprocessor(6, [0.0] * 6, [1.0] * 6)
    mirrored = np.pad(cube, ((9, 9), (9, 9), (0, 0)), mode="reflect")
    seen, sizes = [], []
    for batch in DataLoader(data, batch_sampler=sampler, collate_fn=pseudo_collate):
        inputs, size = preprocessor(batch)["inputs"], batch["height"][0]
        sizes.append(size)
        assert inputs.shape[1:] == (6, size, size)
        for window, row, column in zip(inputs, batch["row"][0], batch["column"][0], strict=True):
            start = 9 - size // 2
            wanted = mirrored[row + start :, column + start :][:size, :size]
            np.testing.assert_array_equal(window.permute(1, 2, 0), wanted)
            seen.append((int(row), int(column)))
    assert sorted(seen) == [(row, column) for row in range(12) for column in range(15)]
    assert set(sizes) == {3, 5, 9}


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
    assert not scene.padded_valid[2 + 2, 3 + 2]


def test_metainfo_is_plain_data(files):
    root, _, _ = files
    assert json.loads(json.dumps(dataset(root).metainfo))["label_ids"] == [3, 7]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(image="none.mat"), DataError, r"none\.mat: no such file"),
        (dict(image_key="z"), DataError, r"cube\.mat.*'?z'?.*x"),
        (dict(window=25), DataError, "window 25 x 25 does not fit the scene of 12 x 15"),
        (dict(window=0), ConfigError, "SceneDataset: window=0 given"),
        (dict(subset="train"), ConfigError, "subset='train' needs split"),
        (dict(subset="val"), ConfigError, "subset='val' is unknown"),
        (dict(labels="wide.mat"), DataError, r"wide\.mat: label map of 12 x 16 pixels.*12 x 15"),
        (dict(label_ids=[3, 8]), DataError, r"gt\.mat: label id 7"),
        (dict(bad_bands=[6]), ConfigError, "band 6"),
        (dict(bad_bands=range(6)), ConfigError, "no band is left"),
        (dict(wavelengths=[400, 500]), ConfigError, "wavelengths has 2 values.*6 bands"),
        (dict(scene="mars"), ConfigError, "scene='mars' is not in the catalogue"),
        (dict(image=None), ConfigError, "image="),
    ],
)
def test_bad_input_is_one_clear_line(files, change, error, message):
    root, _, _ = files
    scipy.io.savemat(root / "wide.mat", {"y": np.zeros((12, 16), dtype=np.uint8)})
    with pytest.raises(error, match=message) as caught:
        dataset(root, **change)
    assert "\n" not in str(caught.value)


def test_the_houston_crop_on_the_cubes_grid(shared_data):
    split = dict(type="FileSplit", path=str(shared_data / "splits/houston2018_crop_fewshot20_seed{seed}.npz"))
    data = SceneDataset(scene="houston2018_crop", data_root=shared_data, subset="train", split=split, use_second=True)
    assert data.metainfo["label_ids"] == [1, 2, 3, 5, 6, 7, 9, 10, 11, 12]
    counts = np.bincount(data.labels[data.labels < 255]).tolist()
    assert counts == [135, 557, 138, 1427, 449, 546, 324, 171, 280, 1635]
    assert len(data) == 200
    assert data.second.shape == (512, 512, 3)


def test_salinas_a(shared_data):
    split = dict(type="FileSplit", path=str(shared_data / "splits/salinas_a_fewshot20_seed{seed}.npz"), seed=0)
    data = SceneDataset(scene="salinas_a", data_root=shared_data, subset="test", split=split)
    assert len(data) == 5348 - 120
    assert np.bincount(data.__getitems__(range(len(data)))[0]["label"]).tolist() == [371, 1323, 596, 1505, 654, 779]
