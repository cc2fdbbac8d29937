"""Normalisation, window gathering and batch augmentation."""

import copy
import pickle
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import Subset, default_collate

from mmhsi.datasets import SceneDataset, collate_pixels
from mmhsi.datasets.scene import Scene
from mmhsi.errors import ConfigError
from mmhsi.io import HSICube
from mmhsi.models import attach_scenes
from mmhsi.models.preprocessors import dihedral, gather_windows
from mmhsi.registry import MODELS


@pytest.mark.parametrize(
    ("dtype", "window"),
    [
        ("uint8", (1, 1)),
        ("uint16", (3, 3)),
        ("int16", (4, 4)),
        ("int32", (5, 2)),
        ("float32", (5, 5)),
        ("float64", (2, 5)),
    ],
)
def test_windows_equal_slicing_one_by_one(dtype, window):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 200, (9, 11, 7)).astype(dtype)
    h, w = window
    margins = ((h // 2, (h - 1) // 2), (w // 2, (w - 1) // 2), (0, 0))
    padded = np.pad(scene, margins, mode="reflect")
    rows, columns = rng.integers(0, 9, 20), rng.integers(0, 11, 20)
    cut = gather_windows(torch.from_numpy(padded), torch.from_numpy(rows), torch.from_numpy(columns), window)
    assert cut.dtype == torch.from_numpy(scene).dtype
    for got, row, column in zip(cut.numpy(), rows, columns, strict=True):
        np.testing.assert_array_equal(got, padded[row : row + h, column : column + w])
        assert (got[h // 2, w // 2] == scene[row, column]).all()


def a_scene(seed=0, size=(12, 12)):
    """5 bands of uint16, pixels without data, and 2 bands of twice the resolution."""
    rng = np.random.default_rng(seed)
    height, width = size
    return Scene(
        HSICube(rng.integers(0, 9000, (height, width, 5)).astype(np.uint16)),
        rng.random((height, width)) > 0.3,
        bands=[0, 1, 2, 3, 4],
        file_bands=5,
        second=rng.integers(0, 255, (2 * height, 2 * width, 2)).astype(np.uint8),
        second_scale=2,
    )


def places(scene, window=(3, 3), count=3):
    """Indices of windows whose first pixels are (i, 2 i)."""
    first = torch.arange(count)
    rows, columns = first + window[0] // 2, 2 * first + window[1] // 2
    return dict(scene=scene.key, size=window, row=rows, column=columns, label=first)


def a_preprocessor(scene=None, window=(3, 3), **kwargs):
    preprocessor = MODELS.build(dict(dict(type="ScenePreprocessor", num_bands=5, mean=[0] * 5, std=[1] * 5), **kwargs))
    if scene is not None:
        preprocessor.attach(scene, window)
    return preprocessor


def test_scene_preprocessor_normalises_per_band_and_blanks_nodata():
    mean, std = [10.0, 20, 30, 40, 50], [1.0, 2, 3, 4, 0]
    scene = a_scene()
    preprocessor = a_preprocessor(scene, mean=mean, std=std)
    preprocessor.with_valid = True
    out = preprocessor(places(scene))
    for i in range(3):
        window = scene.cube.data[i : i + 3, 2 * i : 2 * i + 3].astype(float)
        expected = (window - mean) / np.array([1.0, 2, 3, 4, 1])  # a band without spread keeps its scale
        valid = scene.valid[i : i + 3, 2 * i : 2 * i + 3]
        expected[~valid] = 0
        np.testing.assert_allclose(out["inputs"][i].permute(1, 2, 0), expected, rtol=1e-5)
        np.testing.assert_array_equal(out["valid"][i], valid)
    assert [s.gt_label.tolist() for s in out["data_samples"]] == [[0], [1], [2]]
    batch = places(scene)
    del batch["label"]
    assert preprocessor(batch)["data_samples"] is None


@pytest.mark.parametrize("mode", ["concat", "texture", "pixels"])
def test_a_second_source_is_cut_from_the_same_ground(mode):
    scene = a_scene()
    preprocessor = a_preprocessor(scene, second_bands=2, second=mode)
    preprocessor.second_normaliser.fit(torch.tensor([10.0, 20]), torch.tensor([2.0, 4]))
    out = preprocessor(places(scene))
    for i in range(3):
        fine = (scene.second[2 * i : 2 * i + 6, 4 * i : 4 * i + 6] - np.array([10.0, 20])) / np.array([2.0, 4])
        mask = scene.valid[i : i + 3, 2 * i : 2 * i + 3]
        fine[~mask.repeat(2, 0).repeat(2, 1)] = 0
        if mode == "pixels":
            picture = F.pixel_shuffle(out["inputs"][i, 5:], 2)
            np.testing.assert_allclose(picture.permute(1, 2, 0), fine, atol=1e-5)
        else:
            squares = fine.reshape(3, 2, 3, 2, 2).transpose(0, 2, 4, 1, 3).reshape(3, 3, 2, 4)
            coarse = np.concatenate([squares.mean(-1), squares.std(-1)][: 1 + (mode == "texture")], axis=2)
            np.testing.assert_allclose(out["inputs"][i, 5:].permute(1, 2, 0), coarse, atol=1e-5)
    assert out["inputs"].shape == (3, {"concat": 7, "texture": 9, "pixels": 13}[mode], 3, 3)
    restored = preprocessor.restore(out["inputs"])[2]  # with pixels without data, which have the means
    raw = scene.second[4:10, 8:14].reshape(3, 2, 3, 2, 2).transpose(0, 2, 4, 1, 3).reshape(3, 3, 2, 4)
    kept = scene.valid[2:5, 4:7]
    if mode == "pixels":
        np.testing.assert_allclose(restored[5:].permute(1, 2, 0)[kept], raw.reshape(3, 3, 8)[kept], rtol=1e-5)
    else:
        np.testing.assert_allclose(restored[5:7].permute(1, 2, 0)[kept], raw.mean(-1)[kept], rtol=1e-5)
    preprocessor.second_normaliser.fit(torch.zeros(2), torch.ones(2))
    assert not torch.equal(preprocessor(places(scene))["inputs"], out["inputs"]), "old statistics are kept"


def test_finer_pixels_are_augmented_as_a_picture():
    scene = a_scene()
    preprocessor = a_preprocessor(scene, second_bands=2, second="pixels", augments=[dict(type="BatchDihedral")])
    preprocessor.second_normaliser.fit(torch.zeros(2), torch.ones(2))
    preprocessor.with_valid = True
    batch = places(scene, count=4)
    before, after = preprocessor(batch), preprocessor(batch, training=True)
    elements = set()
    for x, y, mask, moved in zip(before["inputs"], after["inputs"], before["valid"], after["valid"], strict=True):
        finer = F.pixel_shuffle(x[None, 5:], 2)
        wanted = [
            (dihedral(x[None, :5], each), dihedral(finer, each), dihedral(mask[None, None], each)) for each in range(8)
        ]
        found = (y[None, :5], F.pixel_shuffle(y[None, 5:], 2), moved[None, None])
        (element,) = [i for i, each in enumerate(wanted) if all(map(torch.equal, each, found))]
        elements.add(element)
    assert len(elements) > 1


@pytest.mark.parametrize("mode", ["concat", "texture", "pixels"])
def test_a_scene_is_normalised_some_rows_at_a_time(monkeypatch, mode):
    parts = []
    for values in (1 << 24, 1):  # all rows at once, and one by one
        monkeypatch.setattr("mmhsi.models.preprocessors.scene_preprocessor.VALUES_AT_A_TIME", values)
        scene = a_scene()
        preprocessor = a_preprocessor(scene, second_bands=2, second=mode)
        preprocessor.second_normaliser.fit(torch.tensor([10.0, 20]), torch.tensor([2.0, 4]))
        parts.append(preprocessor.sampler(scene.key))
    whole, by_rows = parts
    assert torch.equal(whole.image, by_rows.image)


def test_a_model_of_two_sources_needs_both():
    scene = replace(a_scene(), second=None)
    with pytest.raises(ConfigError, match="second_bands needs use_second=True in the dataset"):
        a_preprocessor(scene, second_bands=2)(places(scene))


@pytest.mark.parametrize("collate", [default_collate, pseudo_collate, collate_pixels])
@pytest.mark.parametrize("mode", ["concat", "texture", "pixels"])
def test_samples_and_indices_give_the_same_numbers(tmp_path, mode, collate):
    scene = a_scene()
    np.save(tmp_path / "cube.npy", np.where(scene.valid[..., None], scene.cube.data, np.nan).astype(np.float32))
    np.save(tmp_path / "second.npy", scene.second)
    np.save(tmp_path / "labels.npy", np.arange(144).reshape(12, 12) % 3)
    described = dict(image="cube.npy", second_image="second.npy", second_scale=2, labels="labels.npy")
    described.update(classes=["a", "b"], label_ids=[1, 2])
    data = SceneDataset(described, tmp_path, window=(4, 5), subset="labeled", use_second=True)
    preprocessor = a_preprocessor(second_bands=2, second=mode, mean=[100.0] * 5, std=[50.0] * 5)
    preprocessor.second_normaliser.fit(torch.tensor([10.0, 20]), torch.tensor([2.0, 4]))
    preprocessor.with_valid = True
    attach_scenes(preprocessor, Subset(data, [0]))  # of a part too
    indices = [0, 5, len(data) - 1]
    fast = preprocessor(collate_pixels(data.__getitems__(indices)))
    made = preprocessor(collate([data[index] for index in indices]))
    assert made["inputs"].stride() == fast["inputs"].stride()
    assert torch.equal(made["inputs"][:, :5], fast["inputs"][:, :5])
    assert torch.equal(made["valid"], fast["valid"])
    assert not made["valid"].all()
    torch.testing.assert_close(made["inputs"], fast["inputs"])
    labels = [[sample.gt_label.tolist() for sample in batch["data_samples"]] for batch in (made, fast)]
    assert labels[0] == labels[1] == [[data[index]["label"]] for index in indices]


def test_windows_need_not_be_square():
    scene = a_scene()
    out = a_preprocessor(scene, (2, 5))(places(scene, (2, 5)))["inputs"]
    assert out.shape == (3, 5, 2, 5)
    expected = np.where(scene.valid[2:4, 4:9, None], scene.cube.data[2:4, 4:9], 0)
    np.testing.assert_array_equal(out[2].permute(1, 2, 0), expected)


def test_refitted_statistics_are_used():
    scene = a_scene()
    preprocessor, batch = a_preprocessor(scene), places(scene)
    before = preprocessor(batch)["inputs"]
    preprocessor.fit(torch.zeros(5), torch.full((5,), 2.0))
    assert torch.allclose(preprocessor(batch)["inputs"], before / 2)
    preprocessor.load_state_dict(a_preprocessor(std=[4] * 5).state_dict())
    assert torch.allclose(preprocessor(batch)["inputs"], before / 4)
    torch.nn.Sequential(preprocessor).load_state_dict(torch.nn.Sequential(a_preprocessor(std=[8] * 5)).state_dict())
    assert torch.allclose(preprocessor(batch)["inputs"], before / 8)
    preprocessor.std.fill_(16)
    preprocessor.statistics_changed()
    assert torch.allclose(preprocessor(batch)["inputs"], before / 16)


def test_clip():
    scene = a_scene()
    assert a_preprocessor(scene, clip=3.0)(places(scene))["inputs"].max() == 3


def test_there_is_one_copy_of_a_scene():
    one = a_scene()
    preprocessor = a_preprocessor(one)
    again = replace(one, cube=HSICube(one.cube.data.copy()))  # as another loader reads it
    preprocessor.attach(again, (3, 3))
    sampler = preprocessor.sampler(one.key)
    assert sampler.image.shape == (14, 14, 5)
    assert preprocessor.sampler(again.key) is sampler
    kept = weakref.ref(sampler.image)
    del sampler
    preprocessor.fit(torch.ones(5), torch.ones(5))
    preprocessor(places(one))
    assert kept() is None


def test_the_largest_window_of_all_loaders_fits():
    scene = a_scene()
    preprocessor, wide = a_preprocessor(scene), places(scene, (5, 5))
    before = preprocessor(places(scene))["inputs"]
    with pytest.raises(ConfigError, match="windows of 5 x 5 pixels are asked for, the borders are mirrored for 3 x 3"):
        preprocessor(wide)
    preprocessor.attach(scene, (5, 1))
    preprocessor.attach(scene, (3, 5))
    assert preprocessor.sampler(scene.key).image.shape == (16, 16, 5)
    assert torch.equal(preprocessor(places(scene))["inputs"], before)
    assert torch.equal(preprocessor(wide)["inputs"][..., 1:4, 1:4], preprocessor({**wide, "size": (3, 3)})["inputs"])


def test_loaders_of_different_scenes_take_turns():
    scenes = a_scene(), a_scene(1, (9, 20))
    preprocessor = a_preprocessor()
    for scene in scenes:
        preprocessor.attach(scene, (3, 3))
    for scene in scenes * 2:
        out = preprocessor(places(scene))["inputs"]
        for i in range(3):
            rows, columns = slice(i, i + 3), slice(2 * i, 2 * i + 3)
            expected = np.where(scene.valid[rows, columns, None], scene.cube.data[rows, columns], 0)
            np.testing.assert_array_equal(out[i].permute(1, 2, 0), expected)
    assert len(preprocessor._samplers) == 2


def test_an_unknown_scene_is_refused():
    with pytest.raises(ConfigError, match="scene is not attached; keep AttachScenesHook in custom_hooks"):
        a_preprocessor()(places(a_scene()))


def test_copies_and_pickles_carry_no_scene():
    scene = a_scene()
    preprocessor = a_preprocessor(scene)
    preprocessor(places(scene))
    for copied in (copy.deepcopy(preprocessor), pickle.loads(pickle.dumps(preprocessor))):
        assert not copied._attached
        assert not copied._samplers
        copied.attach(scene, (3, 3))
        assert torch.equal(copied(places(scene))["inputs"], preprocessor(places(scene))["inputs"])


def test_training_may_follow_inference():
    scene = a_scene()
    preprocessor = a_preprocessor(scene)
    with torch.inference_mode():
        preprocessor(places(scene))
    layer = torch.nn.Conv2d(5, 1, 1)
    layer(preprocessor(places(scene), training=True)["inputs"]).sum().backward()
    assert layer.weight.grad.isfinite().all()


def test_tiles_of_two_sizes_are_padded_with_the_mean_and_ignored_labels():
    preprocessor = MODELS.build(dict(type="TilePreprocessor", num_bands=2, mean=[5.0, 5], std=[2.0, 2]))
    preprocessor.with_valid = True
    sizes = [(4, 6), (5, 3)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, *size, dtype=torch.int64))) for size in sizes]
    batch = dict(
        inputs=[torch.full((2, *size), 9, dtype=torch.int16) for size in sizes],
        valid=[torch.ones(size, dtype=torch.bool) for size in sizes],
        data_samples=samples,
    )
    out = preprocessor(batch, training=True)
    assert out["inputs"].shape == (2, 2, 5, 6)
    for i, (h, w) in enumerate(sizes):
        assert (out["inputs"][i, :, :h, :w] == 2).all()
        assert out["inputs"][i].sum() == 2 * 2 * h * w
        assert out["valid"][i].sum() == h * w
        labels = out["data_samples"][i].gt_sem_seg.data
        assert (labels[0, :h, :w] == 1).all()
        assert (labels == 255).sum() == 30 - h * w


@pytest.mark.parametrize("training", [True, False])
def test_sides_are_padded_to_a_multiple(training):
    kind = dict(type="TilePreprocessor", num_bands=2, mean=[5.0, 5], std=[2.0, 2])
    tile = torch.full((2, 5, 7), 9, dtype=torch.int16)

    def prepared(divisor):
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, 5, 7, dtype=torch.int64)))
        batch = dict(inputs=[tile], valid=[torch.ones(5, 7, dtype=torch.bool)], data_samples=[sample])
        return MODELS.build(dict(kind, size_divisor=divisor))(batch, training=training)

    out = prepared(4)
    assert out["inputs"].shape == (1, 2, 8, 8)
    assert (out["inputs"][..., :5, :7] == 2).all()
    assert out["inputs"].sum() == 2 * 2 * 5 * 7
    labels = out["data_samples"][0].gt_sem_seg.data
    assert tuple(labels.shape) == ((1, 8, 8) if training else (1, 5, 7))
    assert (labels == 1).sum() == 35
    assert torch.equal(prepared(1)["inputs"], torch.full((1, 2, 5, 7), 2.0))


def test_statistics_travel_with_the_weights():
    first, second = (MODELS.build(dict(type="TilePreprocessor", num_bands=3)) for _ in range(2))
    first.fit(torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 5, 6]))
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 3, 2, 2)
    assert torch.equal(second.normalise(x), first.normalise(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (dict(mean=[1.0]), "both mean and std"),
        (dict(mean=[1.0], std=[1.0]), "1 values given, expected num_bands=3"),
        (dict(mean=[1.0, float("nan"), 1], std=[1.0] * 3), "value of band 1 is not finite"),
    ],
)
def test_statistics_are_checked(build, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(dict(type="TilePreprocessor", num_bands=3, **build))


def test_use_before_fitting_and_other_bands_are_refused():
    preprocessor = MODELS.build(dict(type="TilePreprocessor", num_bands=3))
    with pytest.raises(ConfigError, match="mean and std are not set"):
        preprocessor.normalise(torch.zeros(1, 3, 2, 2))
    with pytest.raises(ConfigError, match="input has 4 bands, the model expects num_bands=3"):
        preprocessor.normalise(torch.zeros(1, 4, 2, 2))


@pytest.mark.parametrize(
    ("name", "batch", "message"),
    [
        ("ScenePreprocessor", dict(inputs=[torch.zeros(3, 4, 4)]), "takes pixels of a SceneDataset"),
        ("TilePreprocessor", dict(scene=0), "takes tiles as PackTile packs them"),
    ],
)
def test_data_of_another_kind_are_refused(name, batch, message, scope):
    preprocessor = MODELS.build(dict(type=name, num_bands=3, mean=[0.0] * 3, std=[1.0] * 3))
    with pytest.raises(ConfigError, match=message):
        preprocessor(batch)
