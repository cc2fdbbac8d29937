"""Resizing against loops over source and target pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.transforms import Resize

if TYPE_CHECKING:
    from collections.abc import Callable


def triangle(t: float) -> float:
    return max(0.0, 1 - abs(t))


def cubic(t: float) -> float:
    """Keys' kernel with a = -0.5."""
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def slow_weights(length: int, wanted: int, kernel: Callable[[float], float]) -> list[list[float]]:
    """Share of every source pixel in every target pixel along one axis; shrinking widens the kernel."""
    step = length / wanted
    rows = []
    for i in range(wanted):
        row = [kernel((j + 0.5 - (i + 0.5) * step) / max(step, 1)) for j in range(length)]
        rows.append([weight / sum(row) for weight in row])
    return rows


def reached(pixel: int, target: int, length: int, wanted: int) -> bool:
    """Whether the bicubic kernel, two pixels wide to either side, reaches a pixel along one axis."""
    step = length / wanted
    return abs(pixel + 0.5 - (target + 0.5) * step) < 2 * max(step, 1)


def slow_resize(image: np.ndarray, valid: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """Every target pixel a mean over valid source pixels; bilinear where the bicubic kernel reaches nodata."""
    kernels = [cubic, triangle] if interpolation == "bicubic" else [triangle]
    height, width, bands = image.shape
    weights = [(slow_weights(height, size[0], k), slow_weights(width, size[1], k)) for k in kernels]
    out = np.zeros((*size, bands))
    for i in range(size[0]):
        for j in range(size[1]):
            if not valid[math.floor((i + 0.5) * height / size[0]), math.floor((j + 0.5) * width / size[1])]:
                continue
            for rows, columns in weights:
                total, share, untouched = np.zeros(bands), 0.0, True
                for r in range(height):
                    for c in range(width):
                        weight = rows[i][r] * columns[j][c]
                        if valid[r, c]:
                            total += weight * image[r, c].astype(float)
                            share += weight
                        elif reached(r, i, height, size[0]) and reached(c, j, width, size[1]):
                            untouched = False
                out[i, j] = total / share
                if untouched:
                    break
    return out


def slow_nearest(values: np.ndarray, size: tuple[int, int]) -> list[list]:
    height, width = values.shape
    return [
        [
            values[math.floor((i + 0.5) * height / size[0]), math.floor((j + 0.5) * width / size[1])]
            for j in range(size[1])
        ]
        for i in range(size[0])
    ]


@pytest.mark.parametrize("nodata", [False, True])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(4, 5), (15, 7), (20, 26)])
def test_resize(bands: int, size: tuple[int, int], interpolation: str, nodata: bool) -> None:
    sample = make_sample(bands, nodata=nodata)
    result = Resize(size, interpolation=interpolation)(dict(sample))
    expected = slow_resize(sample["img"], sample["valid"], size, interpolation)
    np.testing.assert_allclose(result["img"], expected, rtol=1e-4, atol=0.3)  # of values up to 9000
    np.testing.assert_array_equal(result["gt_seg_map"], slow_nearest(sample["gt_seg_map"], size))
    np.testing.assert_array_equal(result["valid"], slow_nearest(sample["valid"], size))
    assert result["img"].dtype == np.float32
    assert result["gt_seg_map"].dtype == np.int64
    assert result["valid"].dtype == bool
    assert result["img_shape"] == size


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(5, 5), (23, 31)])
def test_nodata_never_bleeds(bands: int, size: tuple[int, int], interpolation: str) -> None:
    """Whatever stands in pixels without data, the outcome is the same, and labels are ignored exactly there."""
    sample = make_sample(bands, dtype="float32")
    outcomes = []
    for garbage in (np.nan, np.inf, -9999.0, 3e38):
        image = sample["img"].copy()
        image[~sample["valid"]] = garbage
        outcomes.append(Resize(size, interpolation=interpolation)({**sample, "img": image}))
    for outcome in outcomes:
        np.testing.assert_array_equal(outcome["img"], outcomes[0]["img"])
        assert (outcome["img"][~outcome["valid"]] == 0).all()
        assert ((outcome["gt_seg_map"] == 255) == ~outcome["valid"]).all()
    inside = outcomes[0]["img"][outcomes[0]["valid"]]
    overshoot = 0 if interpolation == "bilinear" else 2000
    assert inside.min() >= sample["img"][sample["valid"]].min() - overshoot - 0.1
    assert inside.max() <= sample["img"][sample["valid"]].max() + overshoot + 0.1


def test_a_flat_image_stays_flat_around_nodata(bands: int) -> None:
    sample = make_sample(bands, dtype="float32")
    sample["img"][sample["valid"]] = 512.0
    for interpolation in ("bilinear", "bicubic"):
        for size in ((3, 4), (40, 30)):
            result = Resize(size, interpolation=interpolation)(dict(sample))
            np.testing.assert_allclose(result["img"][result["valid"]], 512.0, rtol=1e-4)


def test_everything_without_data() -> None:
    sample = make_sample(4, dtype="float32")
    sample["valid"] = np.zeros((9, 11), dtype=bool)
    sample["img"][:] = np.nan
    result = Resize((4, 4), interpolation="bicubic")(sample)
    assert (result["img"] == 0).all()
    assert not result["valid"].any()


@pytest.mark.parametrize(("factor", "expected"), [(0.5, (4, 6)), (2, (18, 22)), (0.01, (1, 1)), (1.5, (14, 16))])
def test_scale_factor(factor: float, expected: tuple[int, int]) -> None:
    """9 x 11 pixels; halves are rounded to the even neighbour."""
    result = Resize(scale_factor=factor)(make_sample(4))
    assert result["img"].shape[:2] == result["gt_seg_map"].shape == result["valid"].shape == expected


def test_without_labels_and_validity() -> None:
    sample = make_sample(204, nodata=False, labels=False)
    expected = Resize(6)(dict(sample))["img"]
    del sample["valid"]
    result = Resize(6)(sample)
    np.testing.assert_array_equal(result["img"], expected)
    assert "valid" not in result
    assert "gt_seg_map" not in result
