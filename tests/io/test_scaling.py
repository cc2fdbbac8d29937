"""Scaling some pixels at a time, out of parts in any order in memory, gives the bits of the plain expression."""

import numpy as np
import pytest

from mmhsi.io.readers import scaling
from mmhsi.io.readers.scaling import Scaling

RNG = np.random.default_rng(5)
WHOLE = slice(None)


@pytest.mark.parametrize("alike", [False, True], ids=["scales differ", "one scale"])
@pytest.mark.parametrize("dtype", ["<u2", "<i2", "|i1", "<i8", "<f4", "<f8", "<u4"])
@pytest.mark.parametrize("nodata", [None, 7, -9999, np.nan])
@pytest.mark.parametrize("at_once", [1, 40, 1 << 14])
def test_bits_of_the_plain_expression(alike, dtype, nodata, at_once, monkeypatch):
    monkeypatch.setattr(scaling, "_AT_ONCE", at_once)
    stored = RNG.integers(0 if "u" in dtype else -50, 50, (7, 11, 6)).astype(dtype)
    if stored.dtype.kind == "f":
        stored[1, 2], stored[3, 4, 5] = np.nan, np.inf
    scale, offset = (np.full(6, RNG.normal()) if alike else RNG.normal(size=6) for _ in range(2))
    into = np.dtype(np.float64 if dtype == "<f8" else np.float32)
    expected = (stored.astype(np.float64) * scale + offset).astype(into)
    missing = ~np.isfinite(stored.astype(float)) | (stored == (1e9 if nodata is None else nodata))
    expected[missing] = np.nan
    # a detector (rows, bands, columns) with falling bands, another with every second band of a band-major array
    first = np.ascontiguousarray(stored[..., 3::-1].transpose(0, 2, 1)).transpose(0, 2, 1)
    second = np.ascontiguousarray(np.repeat(stored[..., 4:], 2, axis=2).transpose(2, 0, 1)).transpose(1, 2, 0)
    parts = [(second, slice(0, 4, 2), slice(4, 6)), (first, WHOLE, slice(3, None, -1))]
    found = Scaling(scale, offset, stored.dtype, nodata).apply(parts, into)
    assert found.flags.c_contiguous
    assert found.dtype == into
    np.testing.assert_array_equal(
        found.view(f"u{into.itemsize}")[~missing], expected.view(f"u{into.itemsize}")[~missing]
    )
    assert np.isnan(found[missing]).all()


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (1, 1, 1)])
def test_nothing_and_one_value(shape):
    data = np.ones(shape, np.uint8)
    found = Scaling(np.full(shape[2], 2.0), np.ones(shape[2]), data.dtype, None).apply(
        [(data, WHOLE, WHOLE)], np.dtype(np.float32)
    )
    np.testing.assert_array_equal(found, np.full(shape, 3, np.float32))
