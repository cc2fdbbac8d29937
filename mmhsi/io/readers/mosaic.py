"""A scene that lies in tiles, each a file with its place on the ground."""

from __future__ import annotations

import glob
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube import holds_data
from mmhsi.io.readers.derived import DerivedReader
from mmhsi.io.selection import shift_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from affine import Affine
    from numpy.typing import NDArray

    from mmhsi.io.cube import CubeInfo
    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.selection import Window

MOST_OPEN = 128
"""Of more tiles each is closed when it has been read: a process may have some thousand files open."""
_CLOSE = 0.01
"""Pixels by which a tile may lie off the others' grid."""


def is_pattern(path: str | os.PathLike[str]) -> bool:
    """Whether a path names the tiles of a scene: ``*``, ``?`` or ``[…]`` in it, and no file of just this name.

    Args:
        path: What a person gave.
    """
    text = os.fspath(path)
    return glob.has_magic(text) and not os.path.exists(text)  # noqa: PTH110, a path of any kind


class MosaicReader(DerivedReader):
    """Tiles of one grid, read as the one scene that they make up.

    Bands, type, scale and system are the same in all. Where tiles overlap, the last by its name that has data is read.
    Between tiles there is no data.

    Args:
        pattern: Names the tiles, with ``*``, ``?`` or ``[…]``, ``**`` for folders of any depth.
        open_tile: Opens one.

    Raises:
        FileFormatError: No file has such a name, or one cannot be read.
        DataError: A tile has no place on the ground, lies off the grid of the first, or has other bands.
    """

    def __init__(self, pattern: str | os.PathLike[str], open_tile: Callable[[str], CubeReader]) -> None:
        names = sorted(glob.glob(os.fspath(pattern), recursive=True))  # noqa: PTH207, also an absolute one
        if not names:
            raise FileFormatError(f"{os.fspath(pattern)}: no file has such a name")
        tiles = []
        for name in names:
            tiles.append(open_tile(name))
            self._agree(tiles[0].stored, tiles[-1].stored)
            if len(names) > MOST_OPEN:
                tiles[-1].close()
        super().__init__(pattern, tiles)
        self._corners, self._origin, self._size = _place([tile.stored for tile in tiles])

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        return list(dict.fromkeys(file for tile in self._sources for file in tile.files))

    @staticmethod
    def _agree(first: CubeInfo, other: CubeInfo) -> None:
        """Refuse a tile that is no part of the first one's scene."""
        if other.transform is None:
            raise DataError(f"{other.name}: has no place on the ground, expected tiles with their transforms")
        compared = {
            "bands": (first.shape[2], other.shape[2]),
            "values of type": (first.dtype, other.dtype),
            "the system": (first.crs, other.crs),
        }
        for what, (one, another) in compared.items():
            if one != another:
                raise DataError(f"{other.name}: has {what} {another}, {first.name} has {one}: not tiles of one scene")
        for what in ("wavelengths", "fwhm", "good_bands", "scale", "offset", "nodata"):
            one, another = getattr(first, what), getattr(other, what)
            same = one is another if one is None or another is None else np.allclose(one, another, equal_nan=True)
            if not same:
                raise DataError(f"{other.name}: has other {what} than {first.name}: not tiles of one scene")

    def _describe(self) -> CubeInfo:
        first = self._sources[0].stored
        return replace(first, shape=(*self._size, first.shape[2]), transform=self._origin, name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        stored = self.stored
        count = stored.shape[2] if bands is None else len(bands)
        nodata = stored.nodata
        fill = nodata if nodata is not None else np.nan if stored.dtype.kind == "f" else 0
        block = np.full((*window[2:], count), fill, dtype=stored.dtype)
        filled = np.zeros(window[2:], dtype=bool)
        for tile, area, part in self._tiles_in(window):
            values = tile._read_block(area, bands)
            if filled[part].any():
                above = _has_data(tile, area, bands, values) | ~filled[part]
                block[part][above] = values[above]
            else:
                block[part] = values
            filled[part] = True
        return block

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        known = np.zeros(window[2:], dtype=bool)
        for tile, area, part in self._tiles_in(window):
            mask = tile._read_mask(area, bands, data[part])
            known[part] |= True if mask is None else mask if mask.ndim == 2 else mask.any(axis=-1)
        return None if known.all() else known

    def _tiles_in(self, window: Window) -> Iterator[tuple[CubeReader, Window, tuple[slice, slice]]]:
        """Tiles that a window shows, what it shows of them, and where in the window that lies."""
        row0, col0, height, width = window
        for tile, (top, left) in zip(self._sources, self._corners, strict=True):
            rows, columns, _ = tile.stored.shape
            begin, end = max(top, row0), min(top + rows, row0 + height)
            first, last = max(left, col0), min(left + columns, col0 + width)
            if begin < end and first < last:
                area = (begin - top, first - left, end - begin, last - first)
                yield tile, area, (slice(begin - row0, end - row0), slice(first - col0, last - col0))
                if len(self._sources) > MOST_OPEN:
                    tile.close()


def _has_data(tile: CubeReader, area: Window, bands: list[int] | None, values: NDArray) -> NDArray[np.bool_]:
    """Pixels (h, w) of which a tile knows a value in some band."""
    result = np.ones(values.shape[:2], dtype=bool)
    for known in (holds_data(values, tile.stored.nodata), tile._read_mask(area, bands, values)):
        if known is not None:
            result &= known if known.ndim == 2 else known.any(axis=-1)
    return result


def _place(tiles: Sequence[CubeInfo]) -> tuple[list[tuple[int, int]], Affine | None, tuple[int, int]]:
    """Row and column of each tile's corner, transform and size (H, W) of the grid that holds all.

    Affine 2 multiplies with * and affine 3 with @; arrays do with both.
    """
    first = tiles[0].transform
    corners = []
    for tile in tiles:
        height, width, _ = tile.shape
        points = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1)])  # three corners, (x, y, 1)
        seen = points @ _matrix(tile.transform).T @ np.linalg.inv(_matrix(first)).T
        column, row, _ = np.rint(seen[0]).astype(int).tolist()
        if not np.abs(seen - points - (column, row, 0)).max() <= _CLOSE:
            raise DataError(
                f"{tile.name}: lies off the grid of {tiles[0].name}, by parts of a pixel, with pixels of another size "
                "or turned; bring the tiles onto one grid (gdalwarp)"
            )
        corners.append((row, column))
    top, left = (min(corner[axis] for corner in corners) for axis in (0, 1))
    size = tuple(
        max(corner[axis] + tile.shape[axis] for corner, tile in zip(corners, tiles, strict=True)) - least
        for axis, least in ((0, top), (1, left))
    )
    moved = [(row - top, column - left) for row, column in corners]
    return moved, shift_transform(first, top, left), (size[0], size[1])


def _matrix(transform: Affine | None) -> NDArray[np.float64]:
    assert transform is not None
    return np.array([*transform[:6], 0, 0, 1]).reshape(3, 3)
