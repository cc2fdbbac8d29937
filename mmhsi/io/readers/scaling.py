"""Stored values brought to their units: scale and offset of each band, NaN where a value is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mmhsi.io.cube import nodata_in_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Part: TypeAlias = tuple[NDArray, slice, slice]
    """Values (h, w, c) in any order in memory, which of their bands count, and which bands of the result they are."""

_AT_ONCE = 1 << 14
"""Values that are scaled at a time, so that their products of 64 bits stay in the processor's cache."""


_PERCENT = re.compile(r"(reflectance|albedo)?[\s(\[]*(%|per\s?cent(age)?|pct)[\s)\]]*(reflectance)?", re.IGNORECASE)


def reflectance_in(units: Sequence[str | None], wavelengths: NDArray[np.float64] | None) -> float:
    """What the values of a spectral cube are multiplied with where it says that they are percent; else 1.

    Other quantities in percent, such as those of a map without wavelengths, stay in their unit.

    Args:
        units: What the file says of its values, one for all or one a band.
        wavelengths: (C,) in nm, or None.
    """
    if wavelengths is None or not units:
        return 1.0
    return 0.01 if all(unit and _PERCENT.fullmatch(unit.strip()) for unit in units) else 1.0


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scale and offset of the bands of a cube.

    Attributes:
        scale: (C,) what stored values are multiplied with.
        offset: (C,) what is then added.
        stored: Type of the stored values.
        nodata: Stored value that stands for "not measured", or None.
    """

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    stored: np.dtype
    nodata: float | None

    def apply(self, parts: Sequence[Part], dtype: np.dtype) -> NDArray:
        """Scaled values; some pixels at a time, which are brought into order, scaled and stored in one go.

        Args:
            parts: All bands, from one or several arrays.
            dtype: Type of the result.

        Returns:
            (h, w, C), in C order.
        """
        height, width, _ = parts[0][0].shape
        bands = len(self.scale)
        result = np.empty((height, width, bands), dtype)
        columns = min(max(_AT_ONCE // max(bands, 1), 1), max(width, 1))
        rows = max(_AT_ONCE // max(bands * width, 1), 1) if columns == width else 1
        # One long row of factors: a loop of all values takes two thirds of the time of a loop a pixel.
        factors, shifts = (np.tile(one, (rows, columns, 1)) for one in (self.scale, self.offset))
        missing = nodata_in_type(self.nodata, self.stored)
        # Of missing values the stored type decides; 64 bits hold integers of up to 32 bits and all floats as they are.
        direct = self.stored.kind in "biuf" and (self.stored.kind == "f" or self.stored.itemsize <= 4)
        values = np.empty((rows, columns, bands), np.float64 if direct and missing is None else self.stored)
        product = values if values.dtype == np.float64 else np.empty(values.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for row in range(0, height, rows):
                for column in range(0, width, columns):
                    out = result[row : row + rows, column : column + columns]
                    here = (slice(len(out)), slice(out.shape[1]))
                    ordered, scaled = values[here], product[here]
                    for part, taken, place in parts:
                        ordered[..., place] = part[row : row + rows, column : column + columns, taken]
                    present = None if missing is None else ordered != missing
                    if self.stored.kind == "f":
                        finite = np.isfinite(ordered)
                        present = finite if present is None else finite & present
                    if scaled.base is not ordered.base:
                        scaled[...] = ordered
                    scaled *= factors[here]
                    scaled += shifts[here]
                    out[...] = scaled
                    if present is not None and not present.all():
                        out[~present] = np.nan
        return result
