"""Filters against scipy, scikit-image and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter
from skimage.filters import gabor_kernel
from skimage.morphology import disk, erosion, reconstruction

from mmhsi.datasets.channels.filters import block_mean, block_spread, blur, blur_valid, gaussian_weights
from mmhsi.datasets.channels.morphology import disc_widths, erode, opening, profile, reconstruct
from mmhsi.datasets.channels.texture_filters import PATTERNS, gabor_magnitude, gabor_radius, patterns, structure


@pytest.fixture
def image() -> np.ndarray:
    return gaussian_filter(np.random.default_rng(0).normal(size=(30, 34)), 1.5).astype(np.float32)


def test_blur_is_scipys(image):
    expected = gaussian_filter(image.astype(np.float64), 2, mode="mirror", truncate=4.0)
    np.testing.assert_allclose(blur(image, 2), expected, atol=1e-6)


def test_limited_blur_sees_nothing_beyond(image):
    other = image.copy()
    other[:, :8] = 100
    other[20:] = 100
    cut, changed = blur(image, 5, 3), blur(other, 5, 3)
    assert np.array_equal(cut[:17, 11:], changed[:17, 11:])
    assert not np.allclose(cut[17, 11:], changed[17, 11:])


def test_blur_of_valid_pixels_is_their_weighted_mean(image):
    valid = np.random.default_rng(1).random(image.shape) > 0.4
    filled = np.where(valid, image, 0)[..., None].astype(np.float32)
    weights = np.outer(gaussian_weights(1, 4), gaussian_weights(1, 4))
    patch, mask = image[6:15, 6:15], valid[6:15, 6:15]
    expected = (patch * weights)[mask].sum() / weights[mask].sum()
    assert blur_valid(filled, valid, 1)[10, 10, 0] == pytest.approx(expected, rel=1e-5)


def test_blocks_by_hand():
    image = np.arange(16.0).reshape(4, 4, 1)
    assert block_mean(image, 2)[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert block_spread(image, 2)[0, 0, 0] == pytest.approx(np.std([0, 1, 4, 5]))


@pytest.mark.parametrize("radius", [1, 2, 4, 6, 8])
def test_disc_and_erosion_are_scikit_images(image, radius):
    widths = disc_widths(radius)
    assert disk(radius).sum(axis=1)[radius:].tolist() == [2 * width + 1 for width in widths]
    padded = np.pad(image, radius, constant_values=np.inf)
    expected = erosion(padded, disk(radius))[radius:-radius, radius:-radius]
    assert np.array_equal(erode(image, radius), expected)


def test_opening_by_reconstruction_is_scikit_images(image):
    expected = reconstruction(erode(image, 3), image)
    np.testing.assert_array_equal(opening(image, 3, steps=1000), expected.astype(np.float32))


def test_steps_bound_how_far_a_reconstruction_reaches():
    mask = np.ones((1, 12), np.float32)
    marker = np.zeros_like(mask)
    marker[0, 0] = 1
    assert reconstruct(marker, mask, 5)[0].tolist() == [1] * 6 + [0] * 6
    wall = mask.copy()
    wall[0, 3] = 0.25  # what lies behind it is reached at its height
    assert reconstruct(marker, wall, 100)[0].tolist() == [1] * 3 + [0.25] * 9


def test_profile_orders_radii_and_channels(image):
    made = profile(np.stack([image, image**2], axis=2), (2, 4), 10)
    assert made.shape == (*image.shape, 8)
    assert np.array_equal(made[..., 2], opening(image, 4, 10))
    assert np.array_equal(made[..., 5], -opening(-(image**2), 2, 10))


@pytest.mark.parametrize("frequency", [0.35, 0.1])
@pytest.mark.parametrize("angle", [0.0, np.pi / 4, np.pi / 2])
def test_gabor_is_scikit_images(image, frequency, angle):
    kernel = gabor_kernel(frequency, theta=angle, bandwidth=1, n_stds=5)
    cut, (rows, columns) = gabor_radius(frequency), np.array(kernel.shape) // 2
    kernel = kernel[rows - cut : rows + cut + 1, columns - cut : columns + cut + 1]
    expected = np.hypot(*(convolve(image, part, mode="mirror") for part in (kernel.real, kernel.imag)))
    made = gabor_magnitude(image, frequency, angle)
    np.testing.assert_allclose(made, expected, atol=1e-5 * made.max())


def test_structure_by_a_slow_loop(image):
    """Standard deviation, energy and coherence of one pixel from its weighted window."""
    weights = np.outer(gaussian_weights(1, 4), gaussian_weights(1, 4))
    right = convolve(image, [[0.5, 0, -0.5]], mode="mirror")
    down = convolve(image, [[0.5], [0], [-0.5]], mode="mirror")
    window = np.s_[8:17, 10:19]

    def mean(values: np.ndarray) -> float:
        return float((values[window] * weights).sum())

    tensor = np.array([[mean(down**2), mean(down * right)], [mean(down * right), mean(right**2)]])
    small, large = np.linalg.eigvalsh(tensor)
    spread, energy, coherence = structure(image, 1)[12, 14]
    assert spread == pytest.approx(np.sqrt(mean(image**2) - mean(image) ** 2), rel=1e-3)
    assert energy == pytest.approx(np.sqrt(small + large), rel=1e-4)
    assert coherence == pytest.approx((large - small) / (large + small), rel=1e-3)


def test_patterns_by_hand():
    """A bright dot has no neighbour above it; in a flat picture all count as not below."""
    grey = np.zeros((7, 7), np.float32)
    grey[3, 3] = 1
    codes = patterns(grey)
    assert codes[3, 3] == 0
    assert codes[0, 0] == 8
    assert codes.max() < PATTERNS
