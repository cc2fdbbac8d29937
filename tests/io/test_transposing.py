"""Bands to pixels and back, beside numpy."""

from __future__ import annotations

import numpy as np
import pytest

from mmhsi.io.transposing import pixels_of, planes_of

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "float16", "int32", "uint32", "float32", "int64", "float64"]
SHAPES = [(1, 1, 1), (3, 1, 5), (1, 7, 4), (200, 13, 11), (2, 0, 3)]


@pytest.mark.parametrize("dtype", [*TYPES, "complex128", ">i2"])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_numpy_has_it(dtype: str, shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 30000, shape).astype(dtype)
    for found, expected in (
        (pixels_of(values), values.transpose(1, 2, 0)),
        (planes_of(values), values.transpose(2, 0, 1)),
        (planes_of(values[::-1, :, ::-1]), values[::-1, :, ::-1].transpose(2, 0, 1)),
        (planes_of(np.rot90(values)), np.rot90(values).transpose(2, 0, 1)),
    ):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == values.dtype
        assert found.flags.c_contiguous
        assert found.flags.writeable
        assert not np.may_share_memory(found, values)


def test_bands_that_lie_one_after_another_are_not_copied() -> None:
    planes = np.arange(24).reshape(4, 3, 2)
    assert np.shares_memory(planes_of(planes.transpose(1, 2, 0)), planes)
    mirrored = planes_of(planes.transpose(1, 2, 0)[:, ::-1])
    np.testing.assert_array_equal(mirrored, planes[:, :, ::-1])
    assert mirrored.flags.c_contiguous


def test_not_a_number_keeps_its_bits() -> None:
    bits = np.array([0x7FF0000000000001, 0xFFF8000000000007], np.uint64).reshape(2, 1, 1)
    assert pixels_of(bits.view(np.float64)).view(np.uint64).ravel().tolist() == bits.ravel().tolist()
