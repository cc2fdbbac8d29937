"""Choosing bands, by index or by wavelength."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_interval, is_whole
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.wavelengths import check_nanometres
from mmhsi.registry import TRANSFORMS

from .common import BAND_KEYS, CubeTransform, known_wavelengths, source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WATER_VAPOUR: tuple[tuple[float, float], ...] = ((1340.0, 1460.0), (1790.0, 1960.0))
"""Ranges in nm in which water vapour leaves a sensor above the atmosphere almost no light from the ground."""


def _check_indices(owner: str, indices: Sequence[int]) -> tuple[int, ...]:
    for index in indices:
        if not is_whole(index) or index < 0:
            raise ConfigError(f"{owner}: indices names {index!r}, expected 0-based bands")
    return tuple(int(index) for index in indices)


def _check_ranges(owner: str, ranges: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    checked = tuple(check_interval(owner, "ranges", pair) for pair in ranges)
    for pair in checked:
        check_nanometres(owner, "ranges", pair)
    return checked


def _in_ranges(wavelengths: NDArray[np.float64], ranges: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Bands whose centre lies in one of the ranges, both ends included, (C,)."""
    inside = np.zeros(len(wavelengths), dtype=bool)
    for low, high in ranges:
        inside |= (wavelengths >= low) & (wavelengths <= high)
    return inside


def _check_exist(owner: str, indices: Sequence[int], results: dict) -> None:
    bands = results["img"].shape[2]
    beyond = [index for index in indices if index >= bands]
    if beyond:
        raise DataError(f"{source(results)}: has bands 0 to {bands - 1}, {owner} names band {beyond[0]}")


def _keep_bands(results: dict, bands: NDArray[np.intp]) -> dict:
    results["img"] = np.take(results["img"], bands, axis=2)
    for key in BAND_KEYS:
        if results.get(key) is not None:
            results[key] = np.asarray(results[key])[bands]
    return results


@TRANSFORMS.register_module()
class SelectBands(CubeTransform):
    """Keep some bands, in the image's dtype.

    Required keys: ``img`` (H, W, C); ``wavelengths`` (C,) nm for ``ranges``.

    Modified keys: ``img``, ``wavelengths``, ``fwhm``.

    Args:
        indices: 0-based bands in the order wanted, repeats allowed; or None.
        ranges: Instead: (low, high) in nm, both included, of the band centres to keep, in the image's band order.

    Raises:
        ConfigError: If not exactly one of both is given, or it holds no band or range.
    """

    scope = "pixel"

    def __init__(self, indices: Sequence[int] | None = None, ranges: Sequence[Sequence[float]] | None = None) -> None:
        if (indices is None) == (ranges is None):
            raise ConfigError("SelectBands: give either indices or ranges (nm)")
        if not len((indices if ranges is None else ranges) or ()):
            raise ConfigError("SelectBands: indices or ranges is empty, no band would be left")
        self.indices = None if indices is None else _check_indices("SelectBands", indices)
        self.ranges = None if ranges is None else _check_ranges("SelectBands", ranges)

    def transform(self, results: dict) -> dict:
        """Select.

        Raises:
            DataError: If a band does not exist, a range holds none, or wavelengths are needed and unknown.
        """
        if self.indices is not None:
            _check_exist("SelectBands", self.indices, results)
            return _keep_bands(results, np.asarray(self.indices))
        wavelengths = known_wavelengths(results, "SelectBands")
        for pair in self.ranges or ():
            if not _in_ranges(wavelengths, [pair]).any():
                raise DataError(
                    f"{source(results)}: no band lies in {pair[0]:g} to {pair[1]:g} nm, its bands cover "
                    f"{wavelengths.min():g} to {wavelengths.max():g} nm"
                )
        return _keep_bands(results, np.flatnonzero(_in_ranges(wavelengths, self.ranges or ())))


@TRANSFORMS.register_module()
class RemoveBadBands(CubeTransform):
    """Leave out some bands, in the image's dtype.

    ``bad_bands`` of a dataset does the same for indices, without reading the bands at all. This is for wavelengths, and
    for pipelines whose files come from several sensors: a range in which a sensor has no band removes nothing.

    Required keys: ``img`` (H, W, C); ``wavelengths`` (C,) nm for ``ranges``.

    Modified keys: ``img``, ``wavelengths``, ``fwhm``.

    Args:
        indices: 0-based bands. Default: none.
        ranges: (low, high) in nm, both included, of band centres, or ``'water_vapor'`` for :data:`WATER_VAPOUR`.
            Default: none.

    Raises:
        ConfigError: If neither is given or a value cannot work.
    """

    scope = "pixel"

    def __init__(self, indices: Sequence[int] = (), ranges: str | Sequence[Sequence[float]] = ()) -> None:
        if isinstance(ranges, str):
            if ranges != "water_vapor":
                raise ConfigError(
                    f"RemoveBadBands: ranges={ranges!r} is unknown, expected 'water_vapor' or a list in nm"
                )
            ranges = WATER_VAPOUR
        if not len(indices) and not len(ranges):
            raise ConfigError("RemoveBadBands: give indices, ranges (nm), or both")
        self.indices = _check_indices("RemoveBadBands", indices)
        self.ranges = _check_ranges("RemoveBadBands", ranges)

    def transform(self, results: dict) -> dict:
        """Remove.

        Raises:
            DataError: If an index does not exist, no band is left, or wavelengths are needed and unknown.
        """
        _check_exist("RemoveBadBands", self.indices, results)
        bad = np.zeros(results["img"].shape[2], dtype=bool)
        bad[list(self.indices)] = True
        if self.ranges:
            bad |= _in_ranges(known_wavelengths(results, "RemoveBadBands"), self.ranges)
        if bad.all():
            raise DataError(f"{source(results)}: RemoveBadBands leaves none of {len(bad)} bands")
        return _keep_bands(results, np.flatnonzero(~bad))
