"""Choosing bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets.transforms import RemoveBadBands, SelectBands
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable


def expect(sample: dict, kept: list[int]) -> dict:
    return dict(
        img=np.stack([sample["img"][:, :, band] for band in kept], axis=2),
        wavelengths=[sample["wavelengths"][band] for band in kept],
        fwhm=[sample["fwhm"][band] for band in kept],
    )


def check(result: dict, expected: dict, dtype: np.dtype) -> None:
    for key, value in expected.items():
        np.testing.assert_array_equal(result[key], value)
    assert result["img"].dtype == dtype


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_select_by_index_keeps_order_and_dtype(bands: int, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype, nodata=False)
    kept = [bands - 1, 0, 2, 0]
    check(SelectBands(indices=kept)(dict(sample)), expect(sample, kept), np.dtype(dtype))


def test_select_by_range_includes_both_ends(bands: int) -> None:
    sample = make_sample(bands)
    nm = sample["wavelengths"]
    ranges = [(nm[0], nm[0]), (nm[bands // 2], nm[-1])]
    kept = [band for band in range(bands) if nm[band] == nm[0] or nm[bands // 2] <= nm[band] <= nm[-1]]
    assert 0 < len(kept) < bands
    check(SelectBands(ranges=ranges)(dict(sample)), expect(sample, kept), np.dtype("int16"))


def test_select_by_range_keeps_the_order_of_unsorted_bands() -> None:
    sample = make_sample(4)
    sample["wavelengths"] = np.array([900.0, 500.0, 700.0, 600.0])
    check(SelectBands(ranges=[(550, 950)])(dict(sample)), expect(sample, [0, 2, 3]), np.dtype("int16"))


def test_remove_indices_and_ranges(bands: int) -> None:
    sample = make_sample(bands)
    nm = sample["wavelengths"]
    low, high = nm[1] - 1, nm[1] + 1
    kept = [band for band in range(bands) if band != 3 and not low <= nm[band] <= high]
    check(RemoveBadBands(indices=[3], ranges=[(low, high)])(dict(sample)), expect(sample, kept), np.dtype("int16"))


def test_remove_water_vapour() -> None:
    sample = make_sample(204)
    nm = sample["wavelengths"]
    kept = [b for b in range(204) if not (1340 <= nm[b] <= 1460 or 1790 <= nm[b] <= 1960)]
    check(RemoveBadBands(ranges="water_vapor")(dict(sample)), expect(sample, kept), np.dtype("int16"))
    assert 20 < 204 - len(kept) < 40


def test_removing_nothing_of_a_sensor_without_the_range() -> None:
    sample = make_sample(4)
    sample["wavelengths"] = np.array([450.0, 550.0, 650.0, 850.0])
    check(RemoveBadBands(ranges="water_vapor")(dict(sample)), expect(sample, [0, 1, 2, 3]), np.dtype("int16"))


def test_metadata_may_be_unknown() -> None:
    sample = {**make_sample(4), "wavelengths": None}
    del sample["fwhm"]
    result = SelectBands(indices=[2])(sample)
    assert result["wavelengths"] is None
    assert "fwhm" not in result


@pytest.mark.parametrize(
    ("transform", "change", "message"),
    [
        (SelectBands(indices=[4]), {}, "has bands 0 to 3, SelectBands names band 4"),
        (RemoveBadBands(indices=[7]), {}, "has bands 0 to 3, RemoveBadBands names band 7"),
        (RemoveBadBands(indices=[0, 1, 2, 3]), {}, "leaves none of 4 bands"),
        (SelectBands(ranges=[(3000, 4000)]), {}, "no band lies in 3000 to 4000 nm.*400 to 2500 nm"),
        (SelectBands(ranges=[(500, 900)]), {"wavelengths": None}, "has no wavelengths, which SelectBands needs"),
        (RemoveBadBands(ranges=[(500, 900)]), {"wavelengths": [1.0]}, "expected 4 finite wavelengths.*shape .1,"),
        (SelectBands(ranges=[(500, 900)]), {"wavelengths": [400, np.nan, 500, 600]}, "with NaN"),
        (SelectBands(ranges=[(500, 900)]), {"wavelengths": [0.4, 0.5, 0.6, 2.5]}, "look like µm"),
    ],
)
def test_bad_data_names_the_file(transform: Callable, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=f"^folder/tile.tif: .*{message}"):
        transform({**make_sample(4), **change})
