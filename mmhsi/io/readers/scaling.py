"""Stored values brought to their units: scale and offset of each band, NaN where a value is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
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

        Where all bands have one scale and one offset, and values are of at most 16 bits, each is looked up.

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
        table = self._table(dtype)
        values = np.empty((rows, columns, bands), self._ordered_dtype() if table is None else np.intp)
        # One long row of factors: a loop of all values takes two thirds of the time of a loop a pixel.
        factors, shifts = (np.tile(one, (rows, columns, 1)) for one in (self.scale, self.offset))
        product = values if values.dtype == np.float64 else np.empty(values.shape)
        for row in range(0, height, rows):
            near = [(_together(part[row : row + rows, :, taken]), place) for part, taken, place in parts]
            for column in range(0, width, columns):
                out = result[row : row + rows, column : column + columns]
                here = (slice(len(out)), slice(out.shape[1]))
                ordered = values[here]
                for part, place in near:
                    ordered[..., place] = part[:, column : column + columns]
                if table is None:
                    self._scale(ordered, product[here], factors[here], shifts[here], out)
                else:
                    np.take(table, ordered, out=out, mode="wrap")
        return result

    def _missing(self) -> np.generic | None:
        return nodata_in_type(self.nodata, self.stored)

    def _ordered_dtype(self) -> np.dtype:
        """What values are brought into order as: of missing ones the stored type decides."""
        # 64 bits hold integers of up to 32 bits and all floats as they are.
        direct = self.stored.kind in "biuf" and (self.stored.kind == "f" or self.stored.itemsize <= 4)
        return np.dtype(np.float64) if direct and self._missing() is None else self.stored

    def _scale(self, ordered: NDArray, product: NDArray, factors: NDArray, shifts: NDArray, out: NDArray) -> None:
        """Scale values in order; `product` is of 64 bits, and may be they themselves."""
        missing = self._missing()
        present = None if missing is None else ordered != missing
        if self.stored.kind == "f":
            finite = np.isfinite(ordered)
            present = finite if present is None else finite & present
        if not np.may_share_memory(product, ordered):
            product[...] = ordered
        with np.errstate(over="ignore", invalid="ignore"):
            product *= factors
            product += shifts
            out[...] = product
        if present is not None and not present.all():
            out[~present] = np.nan

    def _table(self, dtype: np.dtype) -> NDArray | None:
        """Scaled values of all stored ones, those below 0 from the end; None where they are too many or differ."""
        if self.stored.kind not in "iu" or self.stored.itemsize > 2 or not self.scale.size:
            return None
        scale, offset = self.scale[0], self.offset[0]
        if (self.scale != scale).any() or (self.offset != offset).any():
            return None
        nodata = None if self._missing() is None else self.nodata
        return _all_scaled(float(scale), float(offset), self.stored, nodata, dtype)


def _together(part: NDArray) -> NDArray:
    """Some rows whose bands lie far apart, closer: bringing them into order is then a third faster."""
    if part.shape[0] and part.strides[2] > part.shape[0] * part.strides[0] > 0:
        return np.ascontiguousarray(part.transpose(2, 0, 1)).transpose(1, 2, 0)
    return part


@lru_cache(maxsize=8)
def _all_scaled(scale: float, offset: float, stored: np.dtype, nodata: float | None, dtype: np.dtype) -> NDArray:
    """Every value of a type of at most 16 bits, scaled."""
    values = np.arange(1 << 8 * stored.itemsize).astype(stored)
    table = np.empty(values.shape, dtype)
    one = Scaling(np.array([scale]), np.array([offset]), stored, nodata)
    one._scale(values, np.empty(values.shape), one.scale, one.offset, table)
    table.setflags(write=False)
    return table
