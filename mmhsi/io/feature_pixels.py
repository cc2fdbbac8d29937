"""Which pixels each drawn feature holds, features that overlap and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.features import rasterize

from mmhsi.io.gdal import local_files
from mmhsi.io.rasterize import geometry_of, in_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.placement import Grid
    from mmhsi.io.vectors import Vector


def pixels_of(vector: Vector, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of every feature: those whose centres lie in a polygon, that a line passes, that hold a point.

    Args:
        vector: The features.
        grid: The cube's pixels.

    Returns:
        Pixels, row · W + column, ascending, and the feature of each, from 0; a pixel of two features is there twice.

    Raises:
        DataError: File and grid cannot be matched.
    """
    height, width = grid.shape
    pixels: list[NDArray[np.int64]] = []
    owners: list[NDArray[np.int64]] = []
    for shape, owner in zip(in_pixels(vector, vector.shapes, vector.owners, grid), vector.owners, strict=True):
        outline = np.concatenate(shape.rings)
        left, top = np.floor(outline.min(axis=0)).clip(0, [width, height]).astype(int)
        right, bottom = (np.floor(outline.max(axis=0)) + 1).clip(0, [width, height]).astype(int)
        if right <= left or bottom <= top:
            continue
        if shape.kind == "Point":
            found = np.array([top * width + left])
        else:
            moved = shape._replace(rings=[ring - [left, top] for ring in shape.rings])
            with local_files():
                drawn = rasterize(
                    [(geometry_of(moved), 1)],
                    (bottom - top, right - left),
                    fill=0,
                    transform=Affine.identity(),
                    dtype="uint8",
                )
            rows, columns = drawn.nonzero()
            found = (rows + top) * width + columns + left
        pixels.append(found.astype(np.int64))
        owners.append(np.full(len(found), owner, dtype=np.int64))
    if not pixels:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    both = np.unique(np.stack([np.concatenate(pixels), np.concatenate(owners)], axis=1), axis=0)
    return both[:, 0], both[:, 1]  # parts of a feature count a pixel once
