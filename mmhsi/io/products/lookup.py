"""Sensor geometry put onto a map grid by a table that says which pixel each place shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.cube import CubeInfo
from mmhsi.io.readers.derived import DerivedReader

if TYPE_CHECKING:
    import os

    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.selection import Window

_TILE = 64
"""Side of the squares that are looked up at a time: a long strip across a turned orbit would need the whole scene."""


class LookedUpReader(DerivedReader):
    """A data set in sensor geometry, read on the grid of a lookup table; each place has the value of one pixel.

    Args:
        path: Of the product, for messages.
        reader: The data set.
        columns: The table (H, W) of the data set's columns, from 1; 0 where the grid shows none. Negative ones,
            by which JPL marks what was filled from a neighbour, count as their absolute.
        rows: The table of its rows, likewise.
        fill: Value of places that show no pixel.
        crs: The grid's system.
        transform: Its transform.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        reader: CubeReader,
        columns: CubeReader,
        rows: CubeReader,
        fill: float,
        crs: CRS | None = None,
        transform: Affine | None = None,
    ) -> None:
        super().__init__(path, (reader, columns, rows))
        self.reader, self.columns, self.rows, self.fill = reader, columns, rows, fill
        self._place = crs, transform

    def _describe(self) -> CubeInfo:
        stored, (height, width, _) = self.reader.stored, self.columns.stored.shape
        crs, transform = self._place
        return CubeInfo((height, width, stored.shape[2]), stored.dtype, crs=crs, transform=transform, name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        row0, col0, height, width = window
        count = self.stored.shape[2] if bands is None else len(bands)
        block = np.full((height, width, count), self.fill, dtype=self.stored.dtype)
        for row in range(0, height, _TILE):
            for col in range(0, width, _TILE):
                tile = block[row : row + _TILE, col : col + _TILE]
                self._fill_tile(tile, (row0 + row, col0 + col, *tile.shape[:2]), bands)
        return block

    def _fill_tile(self, tile: NDArray, window: Window, bands: list[int] | None) -> None:
        """Look up one square."""
        height, width, _ = self.reader.stored.shape
        columns, rows = (
            np.abs(table._read_block(window, None)[..., 0].astype(np.int64)) - 1 for table in (self.columns, self.rows)
        )
        known = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        if not known.any():
            return
        rows, columns = rows[known], columns[known]
        top, left = int(rows.min()), int(columns.min())
        area = (top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
        tile[known] = self.reader._read_block(area, bands)[rows - top, columns - left]
