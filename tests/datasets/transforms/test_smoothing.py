"""Smoothing band by band gives what scipy's Gaussian filter does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mmhsi.datasets.transforms.smoothing import smooth


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 2.0, 7.3])
@pytest.mark.parametrize("shape", [(64, 64, 20), (1, 9, 3), (5, 3, 2), (130, 70, 4), (65, 64, 1)])
def test_it_is_the_gaussian_filter(shape: tuple[int, int, int], sigma: float) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = gaussian_filter(image.astype(np.float64), sigma, axes=(0, 1), truncate=3.0, mode="reflect")
    found = smooth(image, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_an_image_that_is_no_block_of_memory() -> None:
    image = np.random.default_rng(0).normal(size=(20, 30, 6)).astype(np.float32)
    turned = np.rot90(image)[:, ::2]
    np.testing.assert_array_equal(smooth(turned, 1.5), smooth(turned.copy(), 1.5))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_what_is_smoothed_stays_as_it_is(order: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
    image = np.ascontiguousarray(image.transpose(order)).transpose(np.argsort(order))
    before = image.copy()
    smooth(image, 1.5)
    np.testing.assert_array_equal(image, before)
