"""Coordinates that begin anew at 180°: what lies beyond it is found where a grid counts on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

    from .wkb import Shape

_WEB_MERCATOR = 2 * np.pi * 6378137.0


def turn_of(crs: CRS | None) -> float | None:
    """How far along x it is once around the earth: of longitudes in degrees and of web maps; None of other systems.

    Args:
        crs: Coordinate reference system, or None.
    """
    if crs is None:
        return None
    if crs.is_geographic:
        return 360.0
    return _WEB_MERCATOR if crs.to_epsg() == 3857 else None


def nearest_turn(x: NDArray[np.float64], centre: float, turn: float) -> NDArray[np.float64]:
    """The same places, each at most half a turn from a centre.

    Args:
        x: Coordinates of any shape; what is not finite stays.
        centre: That of the grid in which they are looked up.
        turn: From :func:`turn_of`.
    """
    return x - turn * np.rint(np.where(np.isfinite(x), x - centre, 0.0) / turn)


def around_the_earth(
    shapes: list[Shape], owners: NDArray[np.int64], size: tuple[int, int], transform: Affine, turn: float
) -> tuple[list[Shape], NDArray[np.int64]]:
    """Shapes where a grid counts on beyond 180°, as often as they touch it; those that never do stay where they are.

    An edge of more than half a turn, and less than a whole one, goes the short way around the earth.

    Args:
        shapes: In pixels, S of them.
        owners: Feature of each, (S,).
        size: (H, W) of the grid.
        transform: Pixel (column, row) to map coordinates.
        turn: From :func:`turn_of`.

    Returns:
        The shapes, and the feature of each.
    """
    back = ~transform
    step = turn * np.array([back.a, back.d])  # once around the earth, in pixels
    shapes = _unrolled(shapes, transform, turn, step)
    low = np.array([shape.rings[0].min(axis=0) for shape in shapes])
    high = np.array([shape.rings[0].max(axis=0) for shape in shapes])
    end = np.array([size[1], size[0]])
    touches = np.stack([_touches(low + k * step, high + k * step, end) for k in (-1, 0, 1)], axis=1)
    if not touches[:, [0, 2]].any():
        return shapes, owners
    touches[~touches.any(axis=1), 1] = True
    numbers, turns = np.nonzero(touches)
    moved = [
        shapes[number]._replace(rings=[ring + (k - 1) * step for ring in shapes[number].rings])
        for number, k in zip(numbers.tolist(), turns.tolist(), strict=True)
    ]
    return moved, owners[numbers]


def _touches(low: NDArray[np.float64], high: NDArray[np.float64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes have a part in a grid, points on its upper and left border too."""
    return np.asarray((((high > 0) | (low >= 0)) & (low < end)).all(axis=1))


def _unrolled(shapes: list[Shape], transform: Affine, turn: float, step: NDArray[np.float64]) -> list[Shape]:
    """Shapes whose edges go the short way, and whose holes lie in the same turn as their outlines."""
    rings = [ring for shape in shapes for ring in shape.rings]
    places = np.concatenate(rings)
    lengths = np.array([len(ring) for ring in rings])
    starts = lengths.cumsum() - lengths
    x = (transform.a * places[:, 0] + transform.b * places[:, 1]) / turn
    jumps = np.diff(x, prepend=0.0)
    jumps[starts] = 0.0
    turns = np.where((np.abs(jumps) > 0.5) & (np.abs(jumps) < 1 - 1e-9), -np.sign(jumps), 0.0).cumsum()
    turns -= np.repeat(turns[starts], lengths)
    if not turns.any():
        return shapes
    parts = iter(np.split(np.column_stack([x + turns, places + turns[:, np.newaxis] * step]), starts[1:]))
    result = []
    for shape in shapes:
        found = [next(parts) for _ in shape.rings]
        middle = found[0][:, 0].mean()
        result.append(
            shape._replace(rings=[part[:, 1:] + np.rint(middle - part[:, 0].mean()) * step for part in found])
        )
    return result
