"""Features of classical classifiers, against slow references."""

import numpy as np
import pytest
from scipy.ndimage import label
from sklearn.decomposition import PCA

from mmhsi.datasets.scene_features import (
    SceneFeatures,
    closing_by_reconstruction,
    disc,
    extended_morphological_profile,
    morphological_profile,
    opening_by_reconstruction,
    standardise,
    window_mean,
)
from mmhsi.errors import ConfigError, DataError

EVERYWHERE = np.ones((14, 17), dtype=bool)


def scene(seed=0, shape=(14, 17, 6)):
    return np.random.default_rng(seed).integers(0, 60, shape).astype(np.int16)


def slow_opening(image, radius):
    """By threshold sets: a connected set of pixels of at least t stays where a disc of such pixels touches it."""
    height, width = image.shape
    result = np.full(image.shape, image.min())
    for t in np.unique(image):
        bright = image >= t
        holds = np.zeros_like(bright)
        for row in range(height):
            for column in range(width):
                holds[row, column] = all(
                    bright[r, c]
                    for r in range(max(0, row - radius), min(height, row + radius + 1))
                    for c in range(max(0, column - radius), min(width, column + radius + 1))
                    if (r - row) ** 2 + (c - column) ** 2 <= radius**2
                )
        parts, _ = label(bright, structure=np.ones((3, 3)))
        kept = np.isin(parts, np.unique(parts[holds])) & bright
        result[kept] = t
    return result


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_opening_and_closing_by_reconstruction(radius, seed):
    rough = scene(seed, (14, 17))
    image = np.minimum(rough, np.roll(rough, 1, axis=1)) // 10  # large enough shapes for something to stay
    opened = opening_by_reconstruction(image, radius)
    np.testing.assert_array_equal(opened, slow_opening(image, radius))
    assert (opened < image).any()
    darkest = image.max() - image
    np.testing.assert_array_equal(closing_by_reconstruction(image, radius), image.max() - slow_opening(darkest, radius))


def test_a_shape_that_holds_the_disc_stays_exactly():
    image = np.zeros((16, 16), dtype=np.float32)
    image[2:7, 2:7] = 5  # a square of 5 holds a disc of radius 2
    image[7:12, 6] = 5  # a line that hangs on it
    image[12:14, 12:14] = 5  # a square of 2 holds none
    opened = opening_by_reconstruction(image, 2)
    expected = image.copy()
    expected[12:14, 12:14] = 0
    np.testing.assert_array_equal(opened, expected)
    assert opening_by_reconstruction(image, 3).max() == 0


def test_disc():
    assert disc(1).astype(int).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert [int(disc(radius).sum()) for radius in (2, 3)] == [13, 29]


def test_profile_goes_from_closings_over_the_image_to_openings():
    image = scene(2, (14, 17)).astype(float)
    profile = morphological_profile(image, (1, 2, 4))
    assert profile.shape == (14, 17, 7)
    np.testing.assert_array_equal(profile[..., 3], image)
    np.testing.assert_array_equal(profile[..., 0], closing_by_reconstruction(image, 4))
    np.testing.assert_array_equal(profile[..., 4], opening_by_reconstruction(image, 1))
    assert (np.diff(profile, axis=-1) <= 0).all()


def test_extended_profile_is_of_principal_components():
    image = standardise(scene(), EVERYWHERE)
    profile = extended_morphological_profile(image, EVERYWHERE, components=3, radii=(1, 2))
    assert profile.shape == (14, 17, 3 * 5)
    oracle = PCA(3).fit_transform(image.reshape(-1, 6)).reshape(14, 17, 3)
    for k in range(3):
        np.testing.assert_allclose(np.abs(profile[..., 5 * k + 2]), np.abs(oracle[..., k]), atol=1e-9)
    with pytest.raises(ConfigError, match=r"radii=\(0, 1\) given"):
        extended_morphological_profile(image, EVERYWHERE, 3, (0, 1))
    with pytest.raises(ConfigError, match="num_components=7 given, the spectra have 6 bands"):
        extended_morphological_profile(image, EVERYWHERE, 7, (1,))


def test_standardise_leaves_pixels_without_data_out():
    image = scene().astype(np.float32)
    image[..., 5] = 3
    valid = np.random.default_rng(0).random(EVERYWHERE.shape) < 0.7
    image[~valid] = np.nan
    result = standardise(image, valid)
    pixels = image[valid].astype(float)
    np.testing.assert_allclose(
        result[valid][:, :5], (pixels[:, :5] - pixels[:, :5].mean(0)) / pixels[:, :5].std(0), rtol=1e-6, atol=1e-6
    )
    assert not result[valid][:, 5].any()
    assert not result[~valid].any()
    image[np.argwhere(valid)[0][0], np.argwhere(valid)[0][1], 0] = np.inf
    with pytest.raises(DataError, match="NaN or infinite"):
        standardise(image, valid)
    with pytest.raises(DataError, match="no pixel"):
        standardise(image, np.zeros_like(valid))


@pytest.mark.parametrize("window", [1, 3, 7])
def test_window_mean_by_loop(window):
    image = scene().astype(float)
    valid = np.random.default_rng(1).random(EVERYWHERE.shape) < 0.6
    half = window // 2
    padded = np.pad(image, ((half, half), (half, half), (0, 0)), mode="reflect")
    mask = np.pad(valid, half, mode="reflect")
    expected = np.zeros_like(image)
    for row in range(14):
        for column in range(17):
            there = mask[row : row + window, column : column + window]
            if there.any():
                expected[row, column] = padded[row : row + window, column : column + window][there].mean(axis=0)
    np.testing.assert_allclose(window_mean(image, valid, window), expected, atol=1e-9)


@pytest.mark.parametrize("window", [0, 4])
def test_window_mean_needs_a_centre(window):
    with pytest.raises(ConfigError, match=f"window={window} given, expected an odd number"):
        window_mean(scene(), EVERYWHERE, window)


def test_scene_features_by_name():
    features = SceneFeatures(scene(), EVERYWHERE, window=3, components=2, radii=(1, 2))
    spectra, emp = features("spectra"), features("emp")
    assert features("mean").shape == spectra.shape == (14, 17, 6)
    assert emp.shape == (14, 17, 10)
    np.testing.assert_array_equal(features("spectra+emp"), np.concatenate([spectra, emp], axis=-1))
    for name in ("spectra", "mean", "emp"):
        np.testing.assert_allclose(features(name).mean(axis=(0, 1)), 0, atol=1e-9)
        np.testing.assert_allclose(features(name).std(axis=(0, 1)), 1, atol=1e-9)
    with pytest.raises(ConfigError, match="'median' is unknown, expected some of spectra, mean, emp"):
        features("spectra+median")


def test_values_of_pixels_without_data_do_not_matter():
    valid = EVERYWHERE.copy()
    valid[:2, :5] = False
    one, two = scene().astype(float), scene().astype(float)
    two[~valid] = np.nan
    for name in ("spectra", "mean", "emp"):
        np.testing.assert_array_equal(SceneFeatures(one, valid)(name), SceneFeatures(two, valid)(name))
