"""Cubes stored as a matrix of pixels, as unmixing work stores them: (bands, pixels) with rows and columns beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.readers.derived import DerivedReader
from mmhsi.io.readers.mat import Mat5Reader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.selection import Window

_AXES = re.compile(r"(bands? pixels?|pixels? bands?)(/[FC])?")


class PixelMatrixReader(DerivedReader):
    """A matrix read as a cube.

    Args:
        matrix: The reader of the matrix, (first axis, second axis, 1).
        shape: (rows, columns) of the scene.
        axes: ``"band pixel"`` or ``"pixel band"``, with ``/F`` where pixels are counted down the columns and ``/C``
            where they are counted along the rows. Default: the axis that is rows · columns long holds the pixels; of
            .mat files they are counted down the columns, as MATLAB does, of others along the rows.

    Raises:
        DataError: The matrix does not fit.
    """

    copies = 3

    def __init__(self, matrix: CubeReader, shape: tuple[int, int], axes: str | None = None) -> None:
        super().__init__(matrix.path, [matrix])
        self.matrix = matrix
        self._shape = shape
        sides = matrix.stored.shape[:2]
        said = _AXES.fullmatch("" if axes is None else " ".join(axes.split()))
        if axes is not None and said is None:
            raise DataError(f"{self.path}: axes={axes!r} with shape={shape}; expected 'band pixel' or 'pixel band'")
        pixels = shape[0] * shape[1]
        if said is not None:
            self._bands_first = said.group(1).startswith("band")
        else:
            if sides[0] == sides[1]:
                raise DataError(
                    f"{self.path}: a matrix of {sides[0]} x {sides[1]}; say which axis is which with axes='band pixel'"
                )
            self._bands_first = sides[1] == pixels
        if sides[1 if self._bands_first else 0] != pixels:
            raise DataError(
                f"{self.path}: a matrix of {sides[0]} x {sides[1]} is no scene of shape={shape}, {pixels} pixels"
            )
        order = None if said is None else said.group(2)
        self._down = order == "/F" if order else self.path.lower().endswith(".mat")

    def _describe(self) -> CubeInfo:
        stored = self.matrix.stored
        bands = stored.shape[0 if self._bands_first else 1]
        lists = self.matrix.band_lists(bands)._asdict() if isinstance(self.matrix, Mat5Reader) else {}
        return CubeInfo((*self._shape, bands), stored.dtype, nodata=stored.nodata, name=self.path, **lists)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        row0, col0, height, width = window
        count = self.stored.shape[2] if bands is None else len(bands)
        block = np.empty((height, width, count), self.stored.dtype)
        if self._down:
            for col in range(width):
                block[:, col] = self._pixels((col0 + col) * self._shape[0] + row0, height, bands)
        else:
            for row in range(height):
                block[row] = self._pixels((row0 + row) * self._shape[1] + col0, width, bands)
        return block

    def _pixels(self, first: int, count: int, bands: list[int] | None) -> NDArray:
        """A run of pixels, (count, bands)."""
        total = self.stored.shape[2]
        area = (0, first, total, count) if self._bands_first else (first, 0, count, total)
        part = self.matrix._read_block(area, None)[..., 0]
        pixels = part.T if self._bands_first else part
        return pixels if bands is None else pixels[:, bands]
