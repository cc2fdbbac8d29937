"""Reliability against a loop over the pixels, temperature against the one that made the probabilities."""

import numpy as np
import pytest
from scipy.special import softmax

from mmhsi.errors import DataError
from mmhsi.evaluation import Temperature, group_interval, reliability


@pytest.fixture
def overconfident():
    """Probabilities of a classifier three times too sure, and what is true."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 4))
    truth = (softmax(scores, axis=1).cumsum(axis=1) > rng.random((len(scores), 1))).argmax(axis=1)
    return softmax(3 * scores, axis=1), truth


def test_expected_error_is_that_of_a_loop(overconfident):
    probabilities, truth = overconfident[0][:500], overconfident[1][:500]
    bins = [[] for _ in range(10)]
    for row, true in zip(probabilities, truth, strict=True):
        bins[min(int(row.max() * 10), 9)].append((row.max(), row.argmax() == true))
    expected = sum(len(one) * abs(np.mean([c for c, _ in one]) - np.mean([r for _, r in one])) for one in bins if one)
    found = reliability(probabilities, truth, bins=10)
    assert found.expected_error == pytest.approx(expected / 500)
    assert found.counts.sum() == 500


def test_temperature_is_found_and_keeps_the_choice(overconfident):
    probabilities, truth = overconfident
    fitted = Temperature.fit(probabilities, truth)
    assert fitted.value == pytest.approx(3, rel=0.05)
    calibrated = fitted(probabilities)
    assert (calibrated.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert calibrated.sum(axis=1) == pytest.approx(1)
    before, after = (reliability(some, truth).expected_error for some in (probabilities, calibrated))
    assert before > 0.15
    assert after < 0.02


def test_zeros_of_a_forest_are_no_certainty():
    probabilities = np.tile([1.0, 0.0], (50, 1))
    truth = np.r_[np.zeros(40), np.ones(10)].astype(int)
    found = Temperature.fit(probabilities, truth)(probabilities)
    assert found[0, 0] == pytest.approx(0.8, abs=0.05)


def test_shapes_are_checked():
    with pytest.raises(DataError, match=r"probabilities have shape \(3, 2\), truth \(4,\)"):
        reliability(np.ones((3, 2)) / 2, np.zeros(4, int))


def test_intervals_of_groups_are_as_wide_as_groups_differ():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        shares = rng.beta(8, 2, 40)  # mean 0.8
        groups = np.repeat(np.arange(40), 50)
        low, high = group_interval(rng.random(2000) < shares[groups], groups)
        held += low <= 0.8 <= high
    assert 170 <= held <= 199  # of 200 at 90 %; the exact interval is a little wide
    right = rng.random(2000) < 0.8
    low, high = group_interval(right, np.arange(2000))
    assert high - low == pytest.approx(2 * 1.645 * np.sqrt(0.8 * 0.2 / 2000), rel=0.05)  # the binomial's


def test_all_right_is_no_certainty():
    low, high = group_interval(np.ones(60, bool), np.repeat(np.arange(20), 3))
    assert high == 1
    assert low == pytest.approx(0.05 ** (1 / 18), abs=0.02)  # of 18 independent ones, a little less than the 20 groups


def test_one_group_says_nothing():
    assert group_interval(np.ones(9, bool), np.zeros(9, int)) == (0.0, 1.0)
