"""Padding, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.transforms import Pad
from mmhsi.errors import DataError


def mirrored(index: int, length: int) -> int:
    """Source of a pixel beyond the edge; the edge pixel is not repeated."""
    index %= 2 * (length - 1)
    return index if index < length else 2 * (length - 1) - index


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
@pytest.mark.parametrize(
    ("arguments", "height", "width"),
    [
        (dict(size=12), 12, 12),
        (dict(size=(30, 5)), 30, 11),
        (dict(divisor=8), 16, 16),
        (dict(divisor=[3, 4]), 9, 12),
    ],
)
@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_pad(bands: int, mode: str, arguments: dict, height: int, width: int, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype, nodata=dtype != "uint16")
    result = Pad(mode=mode, value=7, **arguments)(dict(sample))
    assert result["img"].shape == (height, width, bands)
    assert result["img"].dtype == np.dtype(dtype)
    assert result["img_shape"] == (height, width)
    for row in range(height):
        for column in range(width):
            inside = row < 9 and column < 11
            source = mirrored(row, 9), mirrored(column, 11)
            taken = inside or mode == "reflect"
            np.testing.assert_array_equal(result["img"][row, column], sample["img"][source] if taken else 7)
            assert result["valid"][row, column] == (sample["valid"][source] if taken else False)
            assert result["gt_seg_map"][row, column] == (sample["gt_seg_map"][source] if inside else 255)
    assert result["gt_seg_map"].dtype == np.int64


def test_nothing_to_pad() -> None:
    sample = make_sample(430)
    result = Pad(divisor=1)(dict(sample))
    assert result["img"] is sample["img"]


def test_validity_is_added() -> None:
    sample = make_sample(4, nodata=False)
    del sample["valid"]
    valid = Pad(size=12)(sample)["valid"]
    assert valid[:9, :11].all()
    assert valid.sum() == 99


@pytest.mark.parametrize(("dtype", "value"), [("uint16", -1), ("int16", 40000), ("int16", 0.5)])
def test_value_that_the_dtype_cannot_hold(dtype: str, value: float) -> None:
    with pytest.raises(DataError, match=rf"^folder/tile\.tif: is {dtype}, which cannot hold the pad value {value:g}"):
        Pad(size=12, value=value)(make_sample(4, dtype=dtype, nodata=False))
