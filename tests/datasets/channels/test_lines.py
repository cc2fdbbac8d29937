"""Profiles by lines, against slow loops and drawn stripes."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from mmhsi.datasets.channels import Basis, FinerLines
from mmhsi.datasets.channels.lines import ANGLES, line_mask, line_openings
from mmhsi.errors import ConfigError


def slow_opening(image: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Every pixel's highest level that some shift of the line that covers it holds; nothing lies beyond the image."""
    radius = len(line) // 2
    places = np.argwhere(line) - radius
    result = np.full(image.shape, -np.inf)
    for row in range(-radius, image.shape[0] + radius):
        for column in range(-radius, image.shape[1] + radius):
            at = [(row + a, column + b) for a, b in places]
            at = [(a, b) for a, b in at if 0 <= a < image.shape[0] and 0 <= b < image.shape[1]]
            inside = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
            if inside:
                lowest = min(image[a, b] for a, b in at)
                for a, b in at:
                    result[a, b] = max(result[a, b], lowest)
    return result


def test_openings_by_a_slow_loop():
    image = np.random.default_rng(0).normal(size=(9, 11)).astype(np.float32)
    every = np.stack([slow_opening(image, line_mask(2, pi * index / ANGLES)) for index in range(ANGLES)])
    made = line_openings(image, 2)
    np.testing.assert_array_equal(made[..., 0], every.max(axis=0))
    np.testing.assert_array_equal(made[..., 1], every.min(axis=0))


@pytest.mark.parametrize("radius", [1, 4, 8, 16])
def test_lines_are_thin_straight_and_as_long_as_asked(radius):
    for index in range(ANGLES):
        line = line_mask(radius, pi * index / ANGLES)
        assert np.array_equal(line, line[::-1, ::-1])
        assert line[radius, radius]
        rows, columns = np.nonzero(line)
        ends = np.hypot(np.ptp(rows), np.ptp(columns))
        assert abs(ends - 2 * radius) <= 1.5
        assert line.sum() <= 2 * radius + 1


def test_a_stripe_stays_in_the_largest_and_goes_from_the_smallest():
    image = np.zeros((40, 40), np.float32)
    image[20, 5:35] = 1
    image[5, 5] = 1
    largest, smallest = np.moveaxis(line_openings(image, 4), 2, 0)
    assert largest[20, 20] == 1
    assert smallest[20, 20] == 0
    assert largest[5, 5] == 0


def test_averaged_to_the_pixels_of_the_first_source():
    rng = np.random.default_rng(0)
    image, second = rng.normal(size=(10, 12, 3)).astype(np.float32), rng.normal(size=(40, 48, 3)).astype(np.float32)
    fitted = Basis.fit([(image, np.ones((10, 12), bool), second, 4)], 2, 2)
    views = fitted.views(image, np.ones((10, 12), bool), second, 4, None)
    made = FinerLines([5, 9])(views)
    grey = np.ascontiguousarray(views.second.mean(axis=2))
    closed = -line_openings(-grey, 4)
    np.testing.assert_allclose(made[3, 7, 6:], closed[12:16, 28:32].mean((0, 1)), rtol=1e-5)
    assert made.shape == (10, 12, 8)
    assert FinerLines([5, 9]).reach(4) == 2


@pytest.mark.parametrize("lengths", [(), (4,), (1,), (9.0,)])
def test_lengths_that_are_none(lengths):
    with pytest.raises(ConfigError, match="odd numbers"):
        FinerLines(lengths)
