"""Splits of labelled pixels."""

import numpy as np
import pytest

from mmhsi.datasets import IGNORE_INDEX, FewShotSplit, FileSplit, FractionSplit, SceneDataset
from mmhsi.datasets.splits import PublishedSplit
from mmhsi.errors import ConfigError, DataError


def labels_of(counts, shape=(20, 30), seed=0):
    """A label map with the given number of pixels a class, at random places."""
    flat = np.full(shape[0] * shape[1], IGNORE_INDEX)
    flat[: sum(counts)] = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).permutation(flat).reshape(shape)


def test_few_shot_takes_n_a_class_and_half_of_a_small_one():
    labels = labels_of([100, 39, 40, 7])
    split = FewShotSplit(per_class=20)(labels, "abcd")
    assert np.bincount(labels.ravel()[split.train]).tolist() == [20, 19, 20, 3]
    labelled = set(np.flatnonzero(labels.ravel() != IGNORE_INDEX).tolist())
    assert set(split.train.tolist()) | set(split.test.tolist()) == labelled
    assert not set(split.train.tolist()) & set(split.test.tolist())
    assert "20 random training pixels a class, seed 0" in split.protocol


def test_few_shot_follows_its_seed():
    labels = labels_of([100, 100])
    again = [FewShotSplit(5, seed)(labels, "ab").train.tolist() for seed in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


def test_a_class_without_a_training_pixel_is_named():
    with pytest.raises(DataError, match=r"class 1 \(maize\) has no training pixel"):
        FewShotSplit(5)(labels_of([50, 1]), ["wheat", "maize"])


@pytest.mark.parametrize("per_class", [0, -3])
def test_few_shot_needs_pixels(per_class):
    with pytest.raises(ConfigError, match="expected at least 1"):
        FewShotSplit(per_class)


@pytest.mark.parametrize(
    ("fraction", "minimum", "expected"),
    [(0.1, 1, [50, 10, 1, 1]), (0.1, 5, [50, 10, 5, 2]), (0.999, 1, [499, 99, 6, 2]), (0.001, 1, [1, 1, 1, 1])],
)
def test_fraction_takes_the_share_of_each_class(fraction, minimum, expected):
    labels = labels_of([500, 100, 7, 3], (30, 40))
    split = FractionSplit(fraction, minimum=minimum)(labels, "abcd")
    assert np.bincount(labels.ravel()[split.train]).tolist() == expected
    together = np.sort(np.concatenate([split.train, split.test]))
    assert together.tolist() == np.flatnonzero(labels.ravel() != IGNORE_INDEX).tolist()
    assert split.protocol.startswith(f"{100 * fraction:g} % random training pixels a class, at least {minimum}, seed 0")


def test_fraction_follows_its_seed():
    labels = labels_of([300, 300])
    again = [FractionSplit(0.05, seed)(labels, "ab").train.tolist() for seed in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


def test_a_class_of_one_pixel_has_no_fraction():
    with pytest.raises(DataError, match=r"class 1 \(maize\) has no training pixel"):
        FractionSplit(0.5)(labels_of([50, 1]), ["wheat", "maize"])


@pytest.mark.parametrize("options", [dict(fraction=0), dict(fraction=1.0), dict(fraction=0.1, minimum=0)])
def test_fraction_refuses_what_cannot_work(options):
    with pytest.raises(ConfigError, match="expected"):
        FractionSplit(**options)


def test_file_split_reads_the_seeds_file(tmp_path):
    labels = labels_of([60, 60])
    pixels = np.flatnonzero(labels.ravel() != IGNORE_INDEX)
    np.savez(tmp_path / "s_seed2.npz", train=pixels[::-2], test=pixels[0::2])
    split = FileSplit(str(tmp_path / "s_seed{seed}.npz"), seed=2)(labels, "ab")
    assert split.train.tolist() == sorted(pixels[::-2].tolist())
    assert "s_seed2" in split.protocol


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([0, 1], [1, 2], "1 pixel both trains and tests, such as index 1"),
        ([0, 600], [1], "index 600 lies outside the scene of 20 x 30"),
        ([0, 31], [1], "1 train pixels have no label, the first at row 1, column 1"),
        ([0], [1, 40], r"class 1 \(b\) has no training pixel"),
    ],
)
def test_a_split_that_leaks_or_cannot_be_used_is_refused(tmp_path, train, test, message):
    labels = np.zeros((20, 30), dtype=np.int64)
    labels[1, 1] = IGNORE_INDEX
    labels[1, 10] = 1
    np.savez(tmp_path / "s.npz", train=train, test=test)
    with pytest.raises(DataError, match=message):
        FileSplit(str(tmp_path / "s.npz"))(labels, "ab")


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 cut off"])
def test_missing_or_damaged_split_file(tmp_path, content):
    path = tmp_path / "s.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"s\.npz: expected an \.npz with arrays 'train' and 'test'"):
        FileSplit(str(path))(labels_of([10, 10]), "ab")


@pytest.mark.parametrize(
    ("rule", "protocol", "seeds"),
    [
        (lambda name, seed: FewShotSplit(20, seed), "fewshot20", 5),
        (lambda name, seed: FewShotSplit(5, seed), "fewshot5", 5),
        (lambda name, seed: PublishedSplit(f"{name}_disjoint20", seed), "disjoint20", 8),
    ],
)
@pytest.mark.parametrize("name", ["salinas_a", "houston2018_crop"])
def test_the_published_splits_are_made_without_their_files(name, rule, protocol, seeds, shared_data):
    dataset = SceneDataset(name, shared_data, subset="labeled")
    for seed in range(seeds):
        with np.load(shared_data / f"splits/{name}_{protocol}_seed{seed}.npz") as published:
            split = rule(name, seed)(dataset.labels, dataset.metainfo["classes"])
            assert np.array_equal(split.train, np.sort(published["train"]))
            assert np.array_equal(split.test, np.sort(published["test"]))


def test_a_published_split_refuses_other_scenes_and_seeds():
    with pytest.raises(DataError, match="is of 83 x 86 pixels"):
        PublishedSplit("salinas_a_disjoint20")(labels_of([50, 50]), "ab")
    with pytest.raises(ConfigError, match="has seeds 0 to 7"):
        PublishedSplit("salinas_a_disjoint20", seed=8)
    with pytest.raises(ConfigError, match="'salinas' is unknown, expected one of salinas_a_disjoint20"):
        PublishedSplit("salinas")
