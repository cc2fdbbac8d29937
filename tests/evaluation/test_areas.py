"""Areas and accuracies against the worked example of Olofsson et al. 2014, §5, and against a simulation."""

import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.evaluation import ConfusionMatrix, stratified_accuracy

# Deforestation, forest gain, stable forest, stable non-forest; rows the map.
SAMPLE = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED = np.array([200_000, 150_000, 3_200_000, 6_450_000])


def test_the_papers_example():
    found = stratified_accuracy(ConfusionMatrix(SAMPLE.T), MAPPED)
    low, high = found.areas.interval(0.95)
    hectares = 0.09 * MAPPED.sum()
    assert np.round(found.areas.value * hectares).tolist() == [21158, 11686, 285770, 581386]
    assert (high - low) / 2 * hectares == pytest.approx([6158, 3756, 15510, 16282], abs=1)
    assert found.users.value.round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert found.producers.value.round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    assert float(found.overall.value.round(2)) == 0.95
    assert 1.96 * found.users.error == pytest.approx([0.07, 0.10, 0.04, 0.02], abs=0.005)


def test_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 60_000, p=[0.5, 0.3, 0.2])
    noisy = rng.random(truth.size) < 0.25
    mapped = np.where(noisy, rng.integers(0, 3, truth.size), truth)
    strata = [np.flatnonzero(mapped == index) for index in range(3)]
    found = []
    for _ in range(400):
        drawn = np.concatenate([rng.choice(stratum, 60, replace=False) for stratum in strata])
        confusion = ConfusionMatrix.from_labels(truth[drawn], mapped[drawn], 3)
        found.append(stratified_accuracy(confusion, np.bincount(mapped)))
    for name in ("areas", "users", "producers", "overall"):
        values = np.array([getattr(one, name).value for one in found])
        errors = np.array([getattr(one, name).error for one in found])
        assert errors.mean(axis=0) == pytest.approx(values.std(axis=0), rel=0.12), name
    assert np.mean([one.areas.value for one in found], axis=0) == pytest.approx(
        np.bincount(truth) / truth.size, abs=5e-3
    )


def test_what_cannot_be_estimated():
    with pytest.raises(DataError, match="class 1 covers 7 pixels of the map, the sample has none there"):
        stratified_accuracy(ConfusionMatrix(np.array([[3, 0], [1, 0]])), [9, 7])
    with pytest.raises(DataError, match="3 mapped areas given for 2 classes"):
        stratified_accuracy(ConfusionMatrix(np.eye(2, dtype=int)), [1, 2, 3])
    single = stratified_accuracy(ConfusionMatrix(np.array([[1, 0], [0, 5]])), [4, 4])
    assert np.isnan(single.users.error).tolist() == [True, False]
