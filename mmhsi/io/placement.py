"""Where the pixels of one file lie in another, by what both say of their place on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rasterio.warp import transform as transform_points

from mmhsi.errors import DataError
from mmhsi.io.antimeridian import nearest_turn, turn_of
from mmhsi.io.cube import CubeInfo, HSICube

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

    from mmhsi.io.selection import Window

_OUTSIDE = -1
_MOST_SAMPLES = 16
"""Places along each axis that are looked up in a pixel of the coarser file."""


@dataclass(frozen=True)
class Grid:
    """The pixels of a file.

    Attributes:
        shape: (H, W).
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        name: Path of the file.
    """

    shape: tuple[int, int]
    crs: CRS | None
    transform: Affine | None
    name: str

    @classmethod
    def of(cls, cube: CubeInfo | HSICube) -> Grid:
        """The pixels of a cube.

        Args:
            cube: What its file says, or the cube itself.
        """
        height, width = (cube.shape if isinstance(cube, CubeInfo) else cube.data.shape)[:2]
        return cls((height, width), cube.crs, cube.transform, cube.name)


class Placement:
    """How the pixels of one file are found in another.

    Args:
        grid: The file whose pixels are asked for.
        other: The file in which they are looked up.
    """

    def __init__(self, grid: Grid, other: Grid) -> None:
        self.grid = grid
        self.other = other

    @property
    def known(self) -> bool:
        """Whether both files say where they lie; without that, their sizes are all there is to compare."""
        return self.grid.transform is not None and self.other.transform is not None

    def fits(self, scale: int) -> bool:
        """Whether the other file has ``scale`` pixels along each axis in each pixel of the grid, on the same ground.

        Half a pixel of the other file is tolerated: the nearest pixel is then the same.

        Args:
            scale: 1 for files of the same grid.
        """
        height, width = self.grid.shape
        if self.other.shape != (height * scale, width * scale):
            return False
        if not self.known:
            return True
        corners = np.array([(0, 0), (0, width), (height, 0), (height, width), (height / 2, width / 2)], dtype=float)
        rows, columns = self._look_up(corners[:, 0], corners[:, 1])
        found = np.stack([rows, columns], axis=1)
        return bool(np.isfinite(found).all() and (np.abs(found - corners * scale) < 0.5).all())

    def samples(self) -> int:
        """Pixels of the other file along each axis of a pixel in the middle of the grid, at least 1, rounded up."""
        height, width = self.grid.shape
        row, column = height / 2, width / 2
        rows, columns = self._look_up(np.array([row, row, row + 1]), np.array([column, column + 1, column]))
        area = abs((columns[1] - columns[0]) * (rows[2] - rows[0]) - (columns[2] - columns[0]) * (rows[1] - rows[0]))
        return min(_MOST_SAMPLES, max(1, math.ceil(math.sqrt(area) - 1e-3))) if math.isfinite(area) else 1

    def places(self, window: Window, scale: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which pixels of the other file lie under a window of the grid.

        Args:
            window: (row0, col0, height, width) in pixels of the grid.
            scale: Places along each axis that are looked up in each pixel of the grid, evenly spread.

        Returns:
            Rows and columns, int64, each (height · scale, width · scale); −1 where the other file has no pixel.

        Raises:
            DataError: The coordinates of one file cannot be expressed in the system of the other.
        """
        row0, col0, height, width = window
        row = row0 + (np.arange(height * scale) + 0.5) / scale
        column = col0 + (np.arange(width * scale) + 0.5) / scale
        rows, columns = self._look_up(*(axis.ravel() for axis in np.meshgrid(row, column, indexing="ij")))
        inside = np.isfinite(rows) & np.isfinite(columns) & (rows >= 0) & (columns >= 0)
        inside &= (rows < self.other.shape[0]) & (columns < self.other.shape[1])
        shape = (height * scale, width * scale)
        found = [np.where(inside, values, _OUTSIDE).astype(np.int64).reshape(shape) for values in (rows, columns)]
        return found[0], found[1]

    def _look_up(
        self, rows: NDArray[np.float64], columns: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns of the other file, with fractions, at rows and columns of the grid."""
        grid, other = self.grid, self.other
        if grid.transform is None or other.transform is None:
            raise DataError(f"{other.name}: cannot be placed on {grid.name}: one of them says nothing of its place")
        a, b, c, d, e, f = grid.transform[:6]
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        if grid.crs is not None and other.crs is not None and grid.crs != other.crs:
            try:
                x, y = (np.asarray(axis) for axis in transform_points(grid.crs, other.crs, x, y)[:2])
            except Exception as exc:  # of rasterio and of GDAL, whose classes are not public
                raise DataError(
                    f"{other.name}: the coordinates of {grid.name} cannot be expressed in its system: {exc}"
                ) from exc
        turn = turn_of(other.crs)
        if turn is not None and grid.crs is not None:
            there = other.transform
            x = nearest_turn(x, there.a * other.shape[1] / 2 + there.b * other.shape[0] / 2 + there.c, turn)
        a, b, c, d, e, f = (~other.transform)[:6]
        return d * x + e * y + f, a * x + b * y + c
