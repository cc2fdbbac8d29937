"""Calibration on held-out pixels that come in groups."""

import numpy as np
import pytest

from mmhsi.estimator.assessment import sure_temperature
from mmhsi.evaluation import Temperature


def drawn(count, sharpness, seed):
    """Probabilities, and classes that are drawn from them after a power: 1 for those that need no calibration."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), count)
    real = probabilities**sharpness / (probabilities**sharpness).sum(axis=1, keepdims=True)
    return probabilities, (rng.random((count, 1)) < real.cumsum(axis=1)).argmax(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_that_mean_what_they_say_stay(seed):
    probabilities, classes = drawn(400, 1.0, seed)
    assert sure_temperature(probabilities, classes, np.arange(400) // 10).value == 1


def test_probabilities_that_do_not_are_calibrated_as_ever():
    probabilities, classes = drawn(2000, 3.0, 0)
    found = sure_temperature(probabilities, classes, np.arange(2000) // 10)
    assert found == Temperature.fit(probabilities, classes)
    assert found.value == pytest.approx(1 / 3, rel=0.1)
