"""Splits by share."""

import numpy as np
import pytest

from mmhsi.datasets import IGNORE_INDEX
from mmhsi.datasets.splits import FractionSplit
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS


def labels_of(counts, shape=(30, 40), seed=0):
    flat = np.full(shape[0] * shape[1], IGNORE_INDEX)
    flat[: sum(counts)] = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).permutation(flat).reshape(shape)


@pytest.mark.parametrize(
    ("fraction", "minimum", "expected"),
    [(0.1, 1, [50, 10, 1, 1]), (0.1, 5, [50, 10, 5, 2]), (0.999, 1, [499, 99, 6, 2]), (0.001, 1, [1, 1, 1, 1])],
)
def test_each_class_gives_its_share(fraction, minimum, expected):
    labels = labels_of([500, 100, 7, 3])
    split = FractionSplit(fraction, minimum=minimum)(labels, "abcd")
    assert np.bincount(labels.ravel()[split.train]).tolist() == expected
    together = np.sort(np.concatenate([split.train, split.test]))
    assert together.tolist() == np.flatnonzero(labels.ravel() != IGNORE_INDEX).tolist()
    assert split.protocol.startswith(f"{100 * fraction:g} % random training pixels a class, at least {minimum}, seed 0")


def test_the_seed_decides():
    labels = labels_of([300, 300])
    again = [FractionSplit(0.05, seed)(labels, "ab").train.tolist() for seed in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


def test_a_class_of_one_pixel_cannot_train_and_test():
    with pytest.raises(DataError, match=r"class 1 \(maize\) has no training pixel"):
        FractionSplit(0.5)(labels_of([50, 1]), ["wheat", "maize"])


@pytest.mark.parametrize("options", [dict(fraction=0), dict(fraction=1.0), dict(fraction=0.1, minimum=0)])
def test_refused(options):
    with pytest.raises(ConfigError, match="expected"):
        SPLITS.build(dict(type="FractionSplit", **options))
