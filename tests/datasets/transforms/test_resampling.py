"""Spectra on other wavelengths, against loops over pixels and bands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.transforms import SpectralResample
from mmhsi.errors import DataError


def slow_linear(nm: list[float], spectrum: list[float], target: float) -> float:
    """Interpolate one value; bands of equal wavelength are averaged first."""
    averaged = {at: np.mean([s for n, s in zip(nm, spectrum, strict=True) if n == at]) for at in nm}
    below = max((at for at in averaged if at <= target), default=min(averaged))
    above = min((at for at in averaged if at >= target), default=max(averaged))
    if above == below:
        return averaged[below]
    share = (target - below) / (above - below)
    return (1 - share) * averaged[below] + share * averaged[above]


def slow_gaussian(nm: list[float], spectrum: list[float], target: float, fwhm: float) -> float:
    """Response-weighted mean; each band counts by half the distance between its neighbours."""
    total = weights = 0.0
    sigma = fwhm / (2 * math.sqrt(2 * math.log(2)))
    for band, at in enumerate(nm):
        left, right = nm[max(band - 1, 0)], nm[min(band + 1, len(nm) - 1)]
        width = (right - left) / (2 if 0 < band < len(nm) - 1 else 1)
        weight = math.exp(-0.5 * ((at - target) / sigma) ** 2) * width
        total += weight * spectrum[band]
        weights += weight
    return total / weights


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_linear_in_any_source_order(bands: int, dtype: str) -> None:
    sample = make_sample(bands, height=2, width=3, dtype=dtype, nodata=False)
    order = np.random.default_rng(0).permutation(bands)
    sample["wavelengths"] = sample["wavelengths"][order]
    targets = [2500.0, 400.0, 1234.5, 431.0, float(sample["wavelengths"][1])]
    result = SpectralResample(targets)(dict(sample))
    assert result["img"].shape == (2, 3, 5)
    assert result["img"].dtype == np.float32
    for row in range(2):
        for column in range(3):
            spectrum = sample["img"][row, column].tolist()
            expected = [slow_linear(sample["wavelengths"].tolist(), spectrum, nm) for nm in targets]
            np.testing.assert_allclose(result["img"][row, column], expected, rtol=1e-5)
    np.testing.assert_array_equal(result["wavelengths"], targets)
    widths = [slow_linear(sample["wavelengths"].tolist(), sample["fwhm"].tolist(), nm) for nm in targets]
    np.testing.assert_allclose(result["fwhm"], widths, rtol=1e-5)


def test_duplicate_wavelengths_are_averaged(bands: int) -> None:
    sample = make_sample(bands, height=1, width=2, nodata=False)
    nm = sample["wavelengths"].copy()
    nm[2] = nm[0]
    nm[3] = nm[0]
    sample["wavelengths"] = nm
    targets = [float(nm[0]), float(nm[0]) + 100, float(nm[1])]
    result = SpectralResample(targets)(dict(sample))["img"]
    for column in range(2):
        spectrum = sample["img"][0, column].tolist()
        np.testing.assert_allclose(
            result[0, column], [slow_linear(nm.tolist(), spectrum, t) for t in targets], rtol=1e-5
        )


def test_own_wavelengths_change_nothing(bands: int) -> None:
    sample = make_sample(bands, nodata=False)
    result = SpectralResample(sample["wavelengths"].tolist())(dict(sample))
    np.testing.assert_array_equal(result["img"], sample["img"])


def test_one_source_band_is_held() -> None:
    sample = make_sample(1, nodata=False)
    result = SpectralResample([390.0, 500.0], extrapolate=True)(dict(sample))["img"]
    np.testing.assert_array_equal(result, sample["img"].repeat(2, axis=2))


def test_gaussian_response(bands: int) -> None:
    sample = make_sample(bands, height=2, width=2, nodata=False)
    nm = np.sort(400 + 2100 * np.random.default_rng(1).random(bands))  # unequal steps
    sample["wavelengths"] = nm[::-1].copy()
    targets, widths = [float(nm[0]) + 40, float(nm[-1]) - 60], [1500.0, 1100.0]
    result = SpectralResample(targets, fwhm=widths)(dict(sample))
    for row in range(2):
        for column in range(2):
            spectrum = sample["img"][row, column][::-1].tolist()
            expected = [slow_gaussian(nm.tolist(), spectrum, t, w) for t, w in zip(targets, widths, strict=True)]
            np.testing.assert_allclose(result["img"][row, column], expected, rtol=1e-4)
    np.testing.assert_array_equal(result["fwhm"], widths)
    assert result["img"].dtype == np.float32


def test_gaussian_keeps_a_flat_spectrum_and_takes_one_width_for_all(bands: int) -> None:
    sample = make_sample(bands, nodata=False)
    sample["img"] = np.full_like(sample["img"], 700)
    result = SpectralResample([1000.0, 1100.0, 1200.0], fwhm=1000.0)(sample)
    np.testing.assert_allclose(result["img"], 700, rtol=1e-5)
    np.testing.assert_array_equal(result["fwhm"], [1000.0] * 3)


def test_extrapolation_is_asked_for() -> None:
    sample = make_sample(32, nodata=False)
    with pytest.raises(DataError, match=r"tile\.tif: its bands cover 400 to 2500 nm, SpectralResample wants 390 nm"):
        SpectralResample([390.0, 500.0])(dict(sample))
    result = SpectralResample([390.0, 2600.0], extrapolate=True)(dict(sample))["img"]
    np.testing.assert_array_equal(result, sample["img"][:, :, [0, -1]])


@pytest.mark.parametrize(
    ("wavelengths", "message"),
    [
        (None, "has no wavelengths, which SpectralResample needs"),
        ([0.4, 0.6, 0.8, 1.0], "look like µm, SpectralResample expected nm"),
        ([400.0, 500.0], "expected 4 finite wavelengths"),
    ],
)
def test_bad_wavelengths_name_the_file(wavelengths: list | None, message: str) -> None:
    with pytest.raises(DataError, match=f"^folder/tile.tif: .*{message}"):
        SpectralResample([450.0])({**make_sample(4), "wavelengths": wavelengths})


def test_gaussian_without_a_band_in_reach() -> None:
    with pytest.raises(DataError, match=r"tile\.tif: no band lies within fwhm=10 nm of 800 nm"):
        SpectralResample([400.0, 800.0], fwhm=10.0)(make_sample(4))
