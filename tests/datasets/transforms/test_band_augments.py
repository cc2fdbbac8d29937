"""Noise, missing bands and shifted spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import BandDropout, SpectralNoise, SpectralShift
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_relative_noise(bands: int) -> None:
    """The noise of each band has the asked share of that band's own spread over valid pixels."""
    sample = make_sample(bands, 40, 50, dtype="float32")
    sample["img"] *= np.linspace(0.1, 3, bands, dtype=np.float32)
    seed_everything(0)
    result = SpectralNoise(std=0.05)(dict(sample))["img"]
    noise = (result.astype(float) - sample["img"])[sample["valid"]]
    for band in range(bands):
        values = sample["img"][sample["valid"]][:, band].astype(float)
        spread = np.sqrt(np.mean((values - values.mean()) ** 2))
        assert noise[:, band].std() == pytest.approx(0.05 * spread, rel=0.1)
        assert abs(noise[:, band].mean()) < 0.05 * spread * 5 / np.sqrt(len(noise))
    neighbours = [np.corrcoef(noise[:, b], noise[:, b + 1])[0, 1] for b in range(bands - 1)]
    assert np.max(np.abs(neighbours)) < 0.12
    assert result.dtype == np.float32


def test_absolute_noise(bands: int) -> None:
    sample = make_sample(bands, 40, 50, nodata=False)
    noise = SpectralNoise(std=30.0, relative=False)(dict(sample))["img"] - sample["img"]
    np.testing.assert_allclose(noise.reshape(-1, bands).std(axis=0), 30, rtol=0.1)
    excess = np.mean(((noise - noise.mean()) / noise.std()) ** 4)
    assert excess == pytest.approx(3, abs=0.3)  # a normal distribution's


def test_noise_that_grows_with_the_signal(bands: int) -> None:
    """Half of the pixels at 100, half at 900: mean 500, so variances of 0.1² · 500 · 100 and · 900."""
    sample = make_sample(bands, 60, 60, nodata=False)
    sample["img"][:30] = 100
    sample["img"][30:] = 900
    noise = SpectralNoise(std=4.0, relative=False, signal=0.1)(dict(sample))["img"] - sample["img"]
    dark, bright = noise[:30].reshape(-1, bands).std(axis=0), noise[30:].reshape(-1, bands).std(axis=0)
    np.testing.assert_allclose(dark, np.sqrt(16 + 0.01 * 500 * 100), rtol=0.1)
    np.testing.assert_allclose(bright, np.sqrt(16 + 0.01 * 500 * 900), rtol=0.1)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_dropout_of_a_count(bands: int, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype, nodata=False)
    seed_everything(0)
    dropped_often = np.zeros(bands)
    for _ in range(100):
        result = BandDropout(count=3, fill=-5)(dict(sample))["img"]
        assert result.dtype == np.dtype(dtype)
        dropped = [band for band in range(bands) if (result[:, :, band] == -5).all()]
        assert len(dropped) == 3
        kept = [band for band in range(bands) if band not in dropped]
        np.testing.assert_array_equal(result[:, :, kept], sample["img"][:, :, kept])
        dropped_often[dropped] += 1
    assert (dropped_often > 0).sum() > min(bands - 1, 0.4 * bands)
    assert dropped_often.max() < 90


def test_dropout_of_a_ratio(bands: int) -> None:
    sample = make_sample(bands, 2, 2, nodata=False)
    seed_everything(0)
    shares = [(BandDropout(ratio=0.3)(dict(sample))["img"] == 0).all(axis=(0, 1)).mean() for _ in range(300)]
    assert np.mean(shares) == pytest.approx(0.3, abs=0.04)
    assert np.std(shares) > 0.02


def test_dropout_leaves_a_band() -> None:
    sample = make_sample(2, nodata=False)
    seed_everything(0)
    for _ in range(50):
        assert (BandDropout(ratio=0.99)(dict(sample))["img"] != 0).any()


def test_dropout_to_the_mean_of_valid_pixels(bands: int) -> None:
    sample = make_sample(bands)
    seed_everything(0)
    result = BandDropout(count=bands // 2, fill="mean")(dict(sample))["img"]
    flat = [band for band in range(bands) if np.ptp(result[:, :, band]) == 0]
    assert len(flat) == bands // 2
    for band in range(bands):
        values = [float(value) for value in sample["img"][sample["valid"]][:, band]]
        expected = sum(values) / len(values) if band in flat else sample["img"][:, :, band]
        np.testing.assert_allclose(result[:, :, band], np.broadcast_to(expected, (9, 11)), rtol=1e-5)
    assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("transform", "dtype", "message"),
    [
        (BandDropout(count=4), "int16", "BandDropout count=4 leaves none of 4 bands"),
        (BandDropout(count=1, fill=0.5), "int16", "is int16, which cannot hold fill=0.5"),
        (BandDropout(count=1, fill=-1), "uint16", "is uint16, which cannot hold fill=-1"),
    ],
)
def test_dropout_that_cannot_be(transform: Callable, dtype: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"^folder/tile\.tif: .*{message}"):
        transform(make_sample(4, dtype=dtype, nodata=False))


@pytest.mark.parametrize("unit", ["band", "nm"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_shift(bands: int, unit: str, dtype: str) -> None:
    """One pixel holds a ramp, which tells the shift; all others have to have moved by it."""
    sample = make_sample(bands, dtype=dtype, nodata=False)
    step = 2100 / (bands - 1)
    largest = 0.8 if unit == "band" else 0.8 * step
    sample["img"][0, 0] = 40 * np.arange(bands)
    seed_everything(0)
    shifts = []
    for _ in range(40):
        result = SpectralShift(largest, unit=unit)(dict(sample))
        moved = (float(result["img"][0, 0, 2]) - 80) / 40
        shifts.append(moved)
        at = np.arange(bands)
        for row, column in ((0, 1), (4, 5), (8, 10)):
            expected = np.interp(at + moved, at, sample["img"][row, column].astype(float))
            np.testing.assert_allclose(result["img"][row, column], expected, rtol=1e-3, atol=0.5)
        np.testing.assert_array_equal(result["wavelengths"], sample["wavelengths"])
    assert result["img"].dtype == np.float32
    assert -0.801 < min(shifts) < -0.6
    assert 0.6 < max(shifts) < 0.801


def test_shift_in_nm_follows_unsorted_bands(bands: int) -> None:
    """Values equal to the wavelength: inside, every band reads its wavelength plus the shift, in any order."""
    sample = make_sample(bands, dtype="float32", nodata=False)
    nm = np.random.default_rng(0).permutation(sample["wavelengths"])
    sample["wavelengths"] = nm
    sample["img"][:] = nm
    seed_everything(1)
    result = SpectralShift(5.0, unit="nm")(sample)["img"][3, 3]
    inside = (nm > 405) & (nm < 2495)
    moved = result[inside] - nm[inside]
    np.testing.assert_allclose(moved, moved[0], atol=1e-3)
    assert 0.1 < abs(moved[0]) <= 5


def test_shift_in_nm_needs_wavelengths() -> None:
    with pytest.raises(DataError, match=r"^folder/tile\.tif: has no wavelengths, which SpectralShift needs"):
        SpectralShift(5.0, unit="nm")({**make_sample(4), "wavelengths": None})
