"""Values on another scale, against loops over bands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.transforms import MinMaxScale, ScaleReflectance, Standardize, UnitSpectra
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "float64"])
def test_reflectance(bands: int, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype, nodata=False)
    result = ScaleReflectance()(dict(sample))["img"]
    expected = np.array([float(value) / 10000 for value in sample["img"].ravel()]).reshape(sample["img"].shape)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result.dtype == np.float32


def test_spectra_of_unit_length_know_no_brightness(bands: int) -> None:
    sample = make_sample(bands, nodata=False)
    sample["img"] = sample["img"].astype(np.float64) + 1
    result = UnitSpectra()(dict(sample))["img"]
    for row, column in [(0, 0), (2, 1)]:
        spectrum = [float(value) for value in sample["img"][row, column]]
        length = math.sqrt(sum(value * value for value in spectrum))
        np.testing.assert_allclose(result[row, column], [value / length for value in spectrum], rtol=1e-5)
    brighter = UnitSpectra()(dict(sample, img=sample["img"] * np.float64(1.7)))["img"]
    np.testing.assert_allclose(brighter, result, rtol=1e-5)


def test_unit_length_of_zeros_huge_and_missing_values() -> None:
    image = np.array([[[0, 0], [3e30, 4e30], [3e-30, -4e-30], [np.nan, 1]]], dtype=np.float32)
    result = UnitSpectra()(dict(img=image))["img"]
    np.testing.assert_allclose(result[0, :3], [[0, 0], [0.6, 0.8], [0.6, -0.8]], rtol=1e-5)
    assert np.isnan(result[0, 3]).all()


def test_reflectance_offset_and_clip(bands: int) -> None:
    sample = make_sample(bands, nodata=False)
    result = ScaleReflectance(factor=2e-4, offset=-0.1, clip=(0.0, 1.0))(dict(sample))["img"]
    expected = [min(max(float(value) * 2e-4 - 0.1, 0.0), 1.0) for value in sample["img"].ravel()]
    np.testing.assert_allclose(result.ravel(), expected, rtol=1e-5, atol=1e-6)
    assert result.min() == 0
    assert result.max() == 1


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("over", ["band", "cube"])
def test_min_max_over_valid_pixels(bands: int, over: str, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype)
    result = MinMaxScale(over=over)(dict(sample))["img"]
    valid = sample["valid"]
    everything = [float(value) for value in sample["img"][valid].ravel()]
    for band in range(bands):
        values = sample["img"][valid][:, band].astype(float)
        low, high = (min(values), max(values)) if over == "band" else (min(everything), max(everything))
        np.testing.assert_allclose(result[valid][:, band], (values - low) / (high - low), rtol=1e-5, atol=1e-6)
    assert result[valid].min() == 0
    assert result[valid].max() == pytest.approx(1)
    assert result.dtype == np.float32


def test_min_max_given(bands: int) -> None:
    sample = make_sample(bands, nodata=False)
    low, high = np.linspace(1000, 2000, bands), np.linspace(4000, 7000, bands)
    result = MinMaxScale(minimum=low.tolist(), maximum=high.tolist())(dict(sample))["img"]
    expected = (sample["img"].astype(float) - low) / (high - low)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    assert result.max() > 1
    clipped = MinMaxScale(minimum=low.tolist(), maximum=high.tolist(), clip=True)(dict(sample))["img"]
    np.testing.assert_allclose(clipped, np.minimum(np.maximum(expected, 0), 1), rtol=1e-5, atol=1e-6)
    common = MinMaxScale(minimum=0, maximum=[10000.0] * bands)(dict(sample))["img"]
    np.testing.assert_allclose(common, sample["img"] / 10000.0, rtol=1e-6)


def test_min_max_of_a_flat_band_or_nothing_is_zero() -> None:
    sample = make_sample(4, nodata=False)
    sample["img"][:, :, 1] = 5
    result = MinMaxScale()(dict(sample))["img"]
    assert (result[:, :, 1] == 0).all()
    assert result[:, :, 0].max() == 1
    sample["valid"] = np.zeros((9, 11), dtype=bool)
    assert (MinMaxScale()(dict(sample))["img"] == 0).all()


@pytest.mark.parametrize("per_band", [True, False])
def test_standardise(bands: int, per_band: bool) -> None:
    sample = make_sample(bands, nodata=False)
    mean = np.linspace(3000, 5000, bands) if per_band else 4000.0
    std = np.linspace(500, 900, bands) if per_band else 700.0
    as_list = (mean.tolist(), std.tolist()) if per_band else (mean, std)
    result = Standardize(*as_list)(dict(sample))["img"]
    for band in range(bands):
        m, s = (mean[band], std[band]) if per_band else (mean, std)
        expected = (sample["img"][:, :, band].astype(float) - m) / s
        np.testing.assert_allclose(result[:, :, band], expected, rtol=1e-4, atol=1e-5)
    assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("transform", "name"),
    [
        (Standardize([1.0, 2.0], [1.0, 2.0]), "mean of Standardize has 2 values"),
        (Standardize(1.0, [1.0, 2.0]), "std of Standardize has 2 values"),
        (MinMaxScale(minimum=[0.0, 0.0], maximum=1.0), "minimum of MinMaxScale has 2 values"),
        (MinMaxScale(minimum=0.0, maximum=[1.0, 1.0, 1.0]), "maximum of MinMaxScale has 3 values"),
    ],
)
def test_another_number_of_bands_names_the_file(transform: Callable, name: str) -> None:
    with pytest.raises(DataError, match=f"^folder/tile.tif: has 4 bands, {name}"):
        transform(make_sample(4))
