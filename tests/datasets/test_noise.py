"""The test of noise, on pictures whose share of noise is known, and what is said of a cube that flags nothing."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.noise import noise_shares, noisy_bands
from mmhsi.errors import DataWarning
from mmhsi.io import HSICube, read_cube

RNG = np.random.default_rng(2)


def _mixed(shares, side=160):
    """Smooth pictures of variance 1 with noise of this share of the whole variance."""
    bands = []
    for share in shares:
        ground = gaussian_filter(RNG.normal(size=(side, side)), 6)
        ground /= ground.std()
        bands.append(np.sqrt(1 - share) * ground + np.sqrt(share) * RNG.normal(size=(side, side)))
    return np.stack(bands, axis=-1)


def test_shares_of_noise_are_found():
    shares = np.array([0, 0.1, 0.4, 0.7, 1])
    np.testing.assert_allclose(noise_shares(HSICube(_mixed(shares))), shares, atol=0.05)


def test_missing_pixels_do_not_count():
    data = _mixed([0.1, 0.9])
    data[::7, ::5] = -9999
    assert noisy_bands(HSICube(data, nodata=-9999)) == [1]


def test_a_band_without_variance_is_proposed():
    data = _mixed([0.1, 0.1])
    data[..., 0] = 3
    assert noisy_bands(HSICube(data)) == [0]


def test_scenes_that_flag_nothing_are_warned_of(tmp_path):
    data = _mixed(np.where(np.isin(np.arange(110), (50, 51)), 0.9, 0.05), side=40)
    np.save(tmp_path / "cube.npy", data)
    with pytest.warns(DataWarning, match=r"110 bands without wavelengths or flags.*bad_bands=\[50, 51\]"):
        SceneDataset(dict(image="cube.npy"), data_root=tmp_path, subset="all")


def test_a_scene_of_noise_alone_is_no_list_of_bands(tmp_path):
    np.save(tmp_path / "noise.npy", RNG.normal(size=(40, 40, 110)))
    with pytest.warns(DataWarning, match=r"doubts 110 of them, too many to leave out"):
        SceneDataset(dict(image="noise.npy"), data_root=tmp_path, subset="all")


def test_real_scene(shared_data):
    """Of Salinas-A, 'corrected' by its publisher, the edges of the water vapour are left."""
    cube = read_cube(shared_data / "salinas_a" / "SalinasA_corrected.mat", "salinasA_corrected")
    assert noisy_bands(cube) == [0, 106, 107, 144, 145, 146, 147]


def test_rounding_of_a_constant_is_no_variance():
    data = _mixed([0.1, 0.1])
    data[..., 0] = 5000.1
    assert data[..., 0].ravel().std() > 0
    assert noisy_bands(HSICube(data)) == [0]
