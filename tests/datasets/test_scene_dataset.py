"""The scene dataset, from generated files."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
import torch
from mmengine.config import ConfigDict
from scene_files import dataset, write_files
from torch.utils.data import ConcatDataset, DataLoader

from mmhsi.datasets import (
    CATALOGUE,
    FewShotSplit,
    MultiSizeBatchSampler,
    SceneDataset,
    SceneInfo,
    SeededSampler,
    SizedIndex,
    Split,
    collate_pixels,
    scene_info,
)
from mmhsi.datasets.mirroring import cut_mirrored
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.errors import ConfigError, DataError
from mmhsi.models import ScenePreprocessor, attach_scenes


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path)


def test_samples_are_the_labelled_pixels(files):
    root, _, labels = files
    data = dataset(root)
    expected = [(r, c, {3: 0, 7: 1}[int(labels[r, c])]) for r, c in np.argwhere(labels > 0)]
    samples = [data[index] for index in range(len(data))]
    assert [(sample["row"], sample["column"], sample["label"]) for sample in samples] == expected
    batch = collate_pixels(data.__getitems__(list(range(len(data)))))
    assert list(zip(*(batch[key].tolist() for key in ("row", "column", "label")), strict=True)) == expected


def test_train_and_test_share_no_pixel(files):
    root, _, _ = files
    split = dict(type="FewShotSplit", per_class=4, seed=1)
    train, test = (dataset(root, subset=subset, split=split) for subset in ("train", "test"))
    assert len(train) == 8
    assert not set(train.pixels) & set(test.pixels)
    assert train.metainfo["protocol"] == test.metainfo["protocol"]


@pytest.mark.parametrize("window", [1, 4, 5, (3, 8)])
def test_a_sample_is_the_window_around_its_pixel(files, window):
    root, cube, _ = files
    data = dataset(root, window=window, subset="all")
    h, w = (window, window) if isinstance(window, int) else window
    mirrored = np.pad(cube, ((h, h), (w, w), (0, 0)), mode="reflect")
    assert len(data) == 12 * 15
    for index, sample in enumerate(data):
        row, column = divmod(index, 15)
        wanted = mirrored[row + h - h // 2 :, column + w - w // 2 :][:h, :w]
        assert sample["window"].dtype == torch.int16
        np.testing.assert_array_equal(sample["window"].numpy(), wanted)
        np.testing.assert_array_equal(sample["window"][h // 2, w // 2], cube[row, column])
        assert sample["valid"].shape == (h, w)
        assert sample["valid"].all()
        assert (sample["row"], sample["column"]) == (row, column)
        assert "label" not in sample
    assert len(dataset(root, subset="all", stride=4)) == 3 * 4
    everything = dataset(root, subset="all")
    chosen = dataset(root, subset="all", random_pixels=20)
    assert len(set(chosen.pixels)) == 20
    assert set(chosen.pixels) < set(everything.pixels)
    assert np.array_equal(chosen.pixels, dataset(root, subset="all", random_pixels=20).pixels)
    assert np.array_equal(dataset(root, subset="all", random_pixels=10**6).pixels, everything.pixels)


def test_an_index_with_a_size_has_a_window_of_that_side(files):
    root, cube, _ = files
    data = dataset(root, window=3, largest_window=9, subset="all")
    mirrored = np.pad(cube, ((9, 9), (9, 9), (0, 0)), mode="reflect")
    for index in (0, 44, 179):
        for sample, side in ((data[index], 3), (data[SizedIndex(index, 0, 4)], 4), (data[np.int64(index)], 3)):
            row, column = divmod(index, 15)
            start = 9 - side // 2
            wanted = mirrored[row + start :, column + start :][:side, :side]
            np.testing.assert_array_equal(sample["window"], wanted)
    assert collate_pixels(data.__getitems__([SizedIndex(3, 0, 7), SizedIndex(4, 0, 7)]))["size"] == (7, 7)


@pytest.mark.parametrize("workers", [0, 2])
def test_torchs_own_collate_function_takes_the_samples(files, workers):
    root, _, _ = files
    data = dataset(root)
    seen = 0
    for batch in DataLoader(data, batch_size=7, num_workers=workers):
        for k in range(len(batch["label"])):
            one = data[seen + k]
            assert torch.equal(batch["window"][k], one["window"])
            assert (batch["row"][k], batch["column"][k]) == (one["row"], one["column"])
            assert batch["label"][k] == one["label"]
        seen += len(batch["label"])
    assert seen == len(data)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_loader_passes_on_holds_no_window(files, workers):
    root, _, _ = files
    data = dataset(root, window=(5, 3))
    loader = DataLoader(data, batch_size=7, num_workers=workers, collate_fn=collate_pixels)
    for batch in loader:
        assert batch["scene"] == data.scene.key
        assert batch["size"] == (5, 3)
        assert {key for key, value in batch.items() if torch.is_tensor(value)} == {"row", "column", "label"}
        assert all(value.numel() <= 7 for value in batch.values() if torch.is_tensor(value))
        assert len(pickle.dumps(batch)) < 3000


def test_nothing_is_cut_for_indices_and_once_for_a_list(files, monkeypatch):
    root, _, _ = files
    data, cuts = dataset(root), []
    monkeypatch.setattr("mmhsi.datasets.scene.cut_mirrored", lambda *a: cuts.append(a) or cut_mirrored(*a))
    samples = data.__getitems__([4, 5, 9])
    collate_pixels(samples)
    assert not cuts
    assert len(samples) == 3
    assert samples[-1]["row"] == data[9]["row"]
    assert [one["column"] for one in samples[1:]] == [data[index]["column"] for index in (5, 9)]
    cuts.clear()
    torch.utils.data.default_collate(data.__getitems__([0, 1, 2]))
    assert len(cuts) == 3 * 2  # window and mask of three samples


def test_several_scenes_are_collated_as_they_are(files):
    root, cube, _ = files
    scipy.io.savemat(root / "other.mat", {"x": cube[::-1] + 7})
    both = ConcatDataset([dataset(root), dataset(root, image="other.mat")])
    first = len(both.datasets[0])
    batch = collate_pixels([both[0], both[first]])
    preprocessor = ScenePreprocessor(6, [0.0] * 6, [1.0] * 6)
    made = preprocessor(batch)["inputs"]
    for k, index in enumerate((0, first)):
        assert torch.equal(made[k].permute(1, 2, 0), both[index]["window"].float())


def test_equal_scenes_have_one_key(files):
    root, cube, _ = files
    scipy.io.savemat(root / "again.mat", {"x": cube})
    scipy.io.savemat(root / "changed.mat", {"x": cube + (np.arange(6) == 5)})
    same = dataset(root, subset="all", window=3, image="again.mat")
    assert same.scene.key == dataset(root).scene.key == copy.deepcopy(same).scene.key
    others = [
        dataset(root, image="changed.mat"),
        dataset(root, bad_bands=[0]),
        dataset(root, transforms=[dict(type="ScaleReflectance")]),
    ]
    assert len({same.scene.key, *(other.scene.key for other in others)}) == 4


def test_windows_of_several_sizes_through_a_loader(files, scope):
    root, cube, _ = files
    data = dataset(root, window=3, largest_window=9, subset="all")
    sampler = MultiSizeBatchSampler(SeededSampler(data, seed=1), batch_size=20, sizes=(3, 5, 9))
    preprocessor = ScenePreprocessor(6, [0.0] * 6, [1.0] * 6)
    mirrored = np.pad(cube, ((9, 9), (9, 9), (0, 0)), mode="reflect")
    seen, sizes = [], []
    attach_scenes(preprocessor, data)
    for batch in DataLoader(data, batch_sampler=sampler, collate_fn=collate_pixels):
        inputs, size = preprocessor(batch)["inputs"], batch["size"][0]
        sizes.append(size)
        assert inputs.shape[1:] == (6, size, size)
        for window, row, column in zip(inputs, batch["row"], batch["column"], strict=True):
            start = 9 - size // 2
            wanted = mirrored[row + start :, column + start :][:size, :size]
            np.testing.assert_array_equal(window.permute(1, 2, 0), wanted)
            seen.append((int(row), int(column)))
    assert sorted(seen) == [(row, column) for row in range(12) for column in range(15)]
    assert set(sizes) == {3, 5, 9}


def test_metainfo_is_plain_data(files):
    root, _, _ = files
    assert json.loads(json.dumps(dataset(root).metainfo))["label_ids"] == [3, 7]


def test_a_scene_is_a_name_a_description_or_its_fields(files, tmp_path):
    root, _, _ = files
    described = SceneInfo(title="a field", image="cube.mat", labels="gt.mat", classes=("a", "b"), label_ids=(3, 7))
    plain = dict(image="cube.mat", labels="gt.mat", classes=["a", "b"], label_ids=range(3, 8, 4), title="a field")
    sets = [SceneDataset(scene, root, subset="labeled") for scene in (described, plain, ConfigDict(plain))]
    assert sets[0].metainfo == sets[1].metainfo == sets[2].metainfo
    assert sets[0].scene.key == sets[1].scene.key
    assert scene_info("salinas_a") is CATALOGUE["salinas_a"]
    changed = scene_info(dict(base="salinas_a", bad_bands=np.arange(3), palette=None))
    assert changed == replace(CATALOGUE["salinas_a"], bad_bands=(0, 1, 2))


def test_a_split_is_a_rule_its_config_or_the_pixels(files):
    root, _, _ = files
    rule = FewShotSplit(4, seed=1)
    sets = [
        dataset(root, subset="train", split=split) for split in (rule, dict(type="FewShotSplit", per_class=4, seed=1))
    ]
    sets.append(dataset(root, subset="train", split=sets[0].split))
    assert all(np.array_equal(data.pixels, sets[0].pixels) for data in sets)
    assert all(data.metainfo == sets[0].metainfo for data in sets)
    leaking = Split(sets[0].split.train, sets[0].split.train, "twice the same")
    with pytest.raises(DataError, match="both train and test"):
        dataset(root, subset="train", split=leaking)


def test_the_demo_scene_needs_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    monkeypatch.setattr("mmhsi.datasets.demo.print_log", lambda line, logger: said.append(line))
    made = SceneDataset("demo", split=FewShotSplit(20))
    assert not list(tmp_path.iterdir())
    assert len(said) == 1
    assert said[0].startswith("data/demo/demo_cube.tif: not there; the demo scene is simulated")
    batch = next(iter(DataLoader(made, batch_size=4)))
    assert batch["window"].shape == (4, 9, 9, 56)
    write_scene(simulate_scene(), tmp_path / "data/demo")
    written = SceneDataset("demo", split=FewShotSplit(20))
    assert len(said) == 1
    assert made.scene.key == written.scene.key
    assert made.metainfo == written.metainfo
    np.testing.assert_array_equal(made.labels, written.labels)
    write_scene(simulate_scene(seed=1), tmp_path / "data/demo")
    assert SceneDataset("demo", subset="all").scene.key != made.scene.key


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
        (dict(scene=dict(base="mars")), ConfigError, "scene='mars' is not in the catalogue"),
        (dict(scene=None), ConfigError, "scene=None given, expected one of .*dict"),
        (dict(image=None), ConfigError, "image="),
        (dict(scene=dict(image="cube.mat", lables="gt.mat")), ConfigError, "no key 'lables'; nearest: 'labels'"),
        (dict(labels=None), ConfigError, r"scene=dict\(labels=…\) is needed"),
        (dict(subset="train", split=5), ConfigError, "split=5 given, expected a rule"),
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
    assert data.label_counts().tolist() == [371, 1323, 596, 1505, 654, 779]
