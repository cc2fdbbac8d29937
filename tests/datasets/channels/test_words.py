"""Words and their histograms against scikit-learn and a slow loop."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans

from mmhsi.datasets.channels import Basis, MultiScale, WordHistograms
from mmhsi.datasets.channels.basis import unit_length


@pytest.fixture
def views():
    rng = np.random.default_rng(0)
    image = gaussian_filter(rng.normal(100, 30, (24, 20, 7)), (2, 2, 1)).astype(np.float32)
    second = gaussian_filter(rng.normal(50, 20, (48, 40, 2)), (1, 1, 0)).astype(np.float32)
    valid = np.ones((24, 20), bool)
    valid[3:5, 4] = False
    return Basis.fit([(image, valid, second, 2)], 6, 6).views(image, valid, second, 2, None), image, valid


def test_components_are_those_of_a_singular_value_decomposition(views):
    made, image, valid = views
    spectra = image[valid].astype(np.float64)
    scaled = (spectra - spectra.mean(0)) / spectra.std(0)
    left = np.linalg.svd(scaled - scaled.mean(0), full_matrices=False)[0]
    correlation = np.abs(np.einsum("nk,nk->k", left[:, :6], made.components[valid])) / np.sqrt(len(spectra))
    np.testing.assert_allclose(correlation, 1, atol=1e-4)
    np.testing.assert_allclose(made.components[valid].std(axis=0), 1, rtol=1e-4)
    assert not made.components[~valid].any()


def test_normalised_components_do_not_see_brightness(views):
    _, image, valid = views
    basis = Basis.fit([(image, valid, None, 1)], 6, 6)
    light = np.random.default_rng(2).uniform(0.2, 3, (24, 20, 1))
    one = basis.views(image, valid, None, 1, None).normalised
    other = basis.views(image * light, valid, None, 1, None).normalised
    np.testing.assert_allclose(one, other, atol=1e-3)
    assert unit_length(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0, 0]]


def test_words_lie_as_near_as_scikit_learns(views):
    family = WordHistograms(words=4)
    family.fit([views[0]])
    described = ((family.describe(views[0]) - family.offset) / family.spread)[views[2]]
    word = family.word(views[0])[views[2]]
    distance = np.linalg.norm(described[:, None] - family.centers, axis=2)
    assert np.array_equal(word, distance.argmin(axis=1))
    reference = KMeans(4, n_init=10, random_state=0).fit(described).inertia_
    assert (distance.min(axis=1) ** 2).sum() < 1.1 * reference


def test_histograms_by_a_slow_loop(views):
    family = WordHistograms(words=3, scales=(1.5,))
    family.fit([views[0]])
    word, valid = family.word(views[0]), views[2]
    made = family(views[0])
    weights = np.exp(-0.5 * (np.arange(-6, 7) / 1.5) ** 2)
    for row, column in ((10, 9), (7, 8)):  # the second reaches the pixels without data
        total = np.zeros(3)
        for i in range(-6, 7):
            for j in range(-6, 7):
                if valid[row + i, column + j]:
                    total[word[row + i, column + j]] += weights[i + 6] * weights[j + 6]
        np.testing.assert_allclose(made[row, column], np.sqrt(total / total.sum()), atol=1e-5)


def test_multi_scale_is_mean_and_spread(views):
    made = MultiScale(means=(1,), spreads=(2,), count=2)(views[0])
    image = np.pad(views[0].components[..., 0].astype(np.float64), 0)
    weights = np.outer(*[np.exp(-0.5 * (np.arange(-8, 9) / 2) ** 2)] * 2)
    window = image[6:23, 1:18]
    mask = views[2][6:23, 1:18]
    mean = (window * weights)[mask].sum() / weights[mask].sum()
    square = (window**2 * weights)[mask].sum() / weights[mask].sum()
    assert made[14, 9, 2] == pytest.approx(np.sqrt(square - mean**2), rel=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("pixels", "distinct"), [(20, 20), (60, 3), (40, 1)])
def test_fewer_pixels_that_differ_than_words(pixels, distinct):
    """Every spectrum has its own word; the words that are left never occur."""
    image = np.random.default_rng(0).normal(100, 30, (1, distinct, 7)).repeat(pixels // distinct, axis=1)
    valid = np.ones((1, pixels // distinct * distinct), bool)
    views = Basis.fit([(image, valid, None, 1)], 6, 6).views(image, valid, None, 1, None)
    family = WordHistograms(scales=(1e-3,))
    family.fit([views])
    made = family(views)[0]
    assert made.shape == (valid.size, 24)
    assert sorted(made.sum(axis=0))[24 - distinct :] == [pixels // distinct] * distinct
    assert made.sum() == valid.size
    again = WordHistograms(**family.arguments())
    assert np.array_equal(again(views)[0], made)
