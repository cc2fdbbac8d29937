"""Brightness, contrast, blur and solarisation, against loops over bands or pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import BandJitter, GaussianBlur, Solarize

if TYPE_CHECKING:
    from collections.abc import Callable


def jitter_factors(before: np.ndarray, after: np.ndarray) -> list[tuple[float, float]]:
    """(f, c) of each band from f · (m + c · (x − m)), which is asserted to hold in every pixel; (n, C) arrays."""
    factors = []
    for band in range(before.shape[1]):
        x, y = before[:, band].astype(float), after[:, band].astype(float)
        mean = sum(x) / len(x)
        slope = (y[x.argmax()] - y[x.argmin()]) / (x.max() - x.min())
        f = (y[x.argmin()] - slope * (x.min() - mean)) / mean
        np.testing.assert_allclose(y, f * mean + slope * (x - mean), rtol=1e-4, atol=0.05)
        factors.append((f, slope / f))
    return factors


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("per_band", [False, True])
def test_jitter(bands: int, per_band: bool, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype)
    seed_everything(0)
    result = BandJitter(brightness=0.3, contrast=0.1, per_band=per_band)(dict(sample))["img"]
    valid = sample["valid"]
    factors = np.array(jitter_factors(sample["img"][valid], result[valid]))
    assert ((factors[:, 0] >= 0.699) & (factors[:, 0] <= 1.301)).all()
    assert ((factors[:, 1] >= 0.899) & (factors[:, 1] <= 1.101)).all()
    spread = np.ptp(factors, axis=0)
    assert (spread > 0.01).all() if per_band else (spread < 1e-3).all()
    assert result.dtype == np.float32


def test_jitter_uses_its_whole_range() -> None:
    sample = make_sample(4, nodata=False)
    seed_everything(0)
    factors = []
    for _ in range(100):
        result = BandJitter(brightness=0.5, contrast=0.8)(dict(sample))["img"]
        factors.append(jitter_factors(sample["img"].reshape(-1, 4), result.reshape(-1, 4))[0])
    low, high = np.min(factors, axis=0), np.max(factors, axis=0)
    assert ((low >= [0.499, 0.199]) & (low < [0.55, 0.3])).all()
    assert ((high <= [1.501, 1.801]) & (high > [1.45, 1.7])).all()
    assert abs(np.corrcoef(np.array(factors).T)[0, 1]) < 0.3


def slow_blur(image: np.ndarray, valid: np.ndarray, sigma: float) -> np.ndarray:
    """Weights cut at 3 sigma; borders mirrored with the edge pixel repeated; pixels without data left out."""
    height, width, bands = image.shape
    radius = int(3 * sigma + 0.5)
    out = np.zeros((height, width, bands))
    for row in range(height):
        for column in range(width):
            if not valid[row, column]:
                continue
            total, share = np.zeros(bands), 0.0
            for dr in range(-radius, radius + 1):
                for dc in range(-radius, radius + 1):
                    r, c = (row + dr) % (2 * height), (column + dc) % (2 * width)
                    r, c = min(r, 2 * height - 1 - r), min(c, 2 * width - 1 - c)
                    if valid[r, c]:
                        weight = math.exp(-0.5 * (dr * dr + dc * dc) / sigma**2)
                        total += weight * image[r, c].astype(float)
                        share += weight
            out[row, column] = total / share
    return out


@pytest.mark.parametrize("nodata", [False, True])
@pytest.mark.parametrize("sigma", [0.4, 1.3])
def test_blur(bands: int, sigma: float, nodata: bool) -> None:
    sample = make_sample(bands, nodata=nodata)
    result = GaussianBlur(sigma=(sigma, sigma), prob=1)(dict(sample))["img"]
    np.testing.assert_allclose(result, slow_blur(sample["img"], sample["valid"], sigma), rtol=1e-4)
    assert result.dtype == np.float32


def test_nodata_never_bleeds_into_a_blur(bands: int) -> None:
    sample = make_sample(bands, dtype="float32")
    outcomes = []
    for garbage in (np.nan, np.inf, -9999.0, 3e38):
        image = sample["img"].copy()
        image[~sample["valid"]] = garbage
        outcomes.append(GaussianBlur(sigma=(2, 2), prob=1)({**sample, "img": image})["img"])
    for outcome in outcomes:
        np.testing.assert_array_equal(outcome, outcomes[0])
    assert np.isfinite(outcomes[0]).all()


def test_blur_draws_sigma() -> None:
    """A single bright pixel keeps the more of its value the smaller sigma was: about 1 / (2 pi sigma²)."""
    sample = make_sample(4, 31, 31, nodata=False)
    sample["img"][:] = 0
    sample["img"][15, 15] = 10000
    seed_everything(0)
    peaks = [GaussianBlur(sigma=(1, 2), prob=1)(dict(sample))["img"][15, 15, 0] for _ in range(60)]
    sigmas = np.sqrt(10000 / (2 * np.pi * np.array(peaks)))
    assert 0.97 < sigmas.min() < 1.1
    assert 1.9 < sigmas.max() < 2.03


def slow_quantile(values: list[float], share: float) -> float:
    """Linear between order statistics."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])


@pytest.mark.parametrize("arguments", [dict(quantile=0.6), dict(quantile=1), dict(value=4000)])
def test_solarise(bands: int, arguments: dict) -> None:
    sample = make_sample(bands)
    result = Solarize(prob=1, **arguments)(dict(sample))["img"]
    valid = sample["valid"]
    for band in range(bands):
        values = [float(value) for value in sample["img"][valid][:, band]]
        threshold = arguments["value"] if "value" in arguments else slow_quantile(values, arguments["quantile"])
        expected = [max(values) - value if value >= threshold else value for value in values]
        np.testing.assert_allclose(result[valid][:, band], expected, rtol=1e-6)
    assert result.dtype == np.float32


@pytest.mark.parametrize("transform", [BandJitter(), GaussianBlur(prob=1), Solarize(quantile=0.5, prob=1)])
def test_an_image_without_data_passes(transform: Callable) -> None:
    sample = make_sample(4)
    sample["valid"] = np.zeros((9, 11), dtype=bool)
    assert transform(sample)["img"].shape == (9, 11, 4)
