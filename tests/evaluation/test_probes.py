"""k nearest neighbours and the linear probe against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from mmhsi.errors import DataError
from mmhsi.evaluation.probes import knn_probe, linear_probe


def clouds(seed, per_class=30, spread=0.8):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(4, 12))
    labels = np.repeat(np.arange(4), per_class)
    return (centres[labels] + spread * rng.normal(size=(len(labels), 12))).astype(np.float32), labels


def test_knn_is_scikit_learns_with_the_same_weights():
    train, labels = clouds(1)
    test, _ = clouds(2)
    reference = KNeighborsClassifier(7, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07))
    expected = reference.fit(train, labels).predict(test)
    assert np.array_equal(knn_probe(train, labels, test, 7), expected)
    assert not np.array_equal(knn_probe(train, labels, test, 1), expected)


def test_the_temperature_decides_between_one_near_and_two_far_neighbours():
    train = np.array([[1, 0], [0.5, 1], [0.5, 1.01]], np.float32)
    test = np.array([[1, 0.1]], np.float32)
    assert knn_probe(train, np.array([0, 1, 1]), test, 3, temperature=0.07).tolist() == [0]
    assert knn_probe(train, np.array([0, 1, 1]), test, 3, temperature=10).tolist() == [1]


def test_nothing_to_classify():
    train, labels = clouds(1)
    assert knn_probe(train, labels, train[:0]).tolist() == []


def test_linear_probe_separates_what_a_line_separates():
    train, labels = clouds(1)
    test, truth = clouds(2)
    assert (linear_probe(train, labels, test) == truth).mean() > 0.95
    shuffled = np.random.default_rng(0).permutation(labels)
    assert (linear_probe(train, shuffled, test) == truth).mean() < 0.5


def test_a_class_with_one_feature_can_be_probed():
    train = np.array([[0, 0], [0, 1], [5, 5]], np.float32)
    assert linear_probe(train, np.array([0, 0, 1]), np.array([[5, 6]], np.float32)).tolist() == [1]


def test_too_little_to_learn_from():
    one = np.ones((3, 2), np.float32)
    with pytest.raises(DataError, match="1 class in"):
        linear_probe(one, np.zeros(3, np.int64), one)
    with pytest.raises(DataError, match="no training features"):
        knn_probe(one[:0], np.zeros(0, np.int64), one)


def test_folds_are_whole_tiles():
    """Features that tell the tile too: only folds of whole tiles show that they do not carry over to others."""
    rng = np.random.default_rng(0)
    tiles = np.repeat(np.arange(10), 30)
    labels = rng.integers(0, 2, 300)
    of_tile = rng.normal(size=(10, 2, 20)).astype(np.float32)  # another pattern a class in every tile
    train = np.c_[0.7 * labels[:, None] + rng.normal(size=(300, 1)), 3 * of_tile[tiles, labels]].astype(np.float32)
    truth = rng.integers(0, 2, 2000)
    test = np.c_[0.7 * truth[:, None] + rng.normal(size=(2000, 1)), 3 * rng.normal(size=(2000, 20))].astype(np.float32)
    whole = (linear_probe(train, labels, test, groups=tiles) == truth).mean()
    assert whole > (linear_probe(train, labels, test) == truth).mean() + 0.02
