"""How much ground a pixel covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rasterio.warp import transform as transform_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .placement import Grid

_RADIUS = 6371007.2
"""Radius of the sphere with the area of the WGS 84 ellipsoid, in metres."""


def row_areas(grid: Grid) -> NDArray[np.float64] | None:
    """Ground that a pixel of each row covers.

    Of a projected system it is the area in its own plane; of longitudes and latitudes the area on the sphere of the
    Earth's surface, at each row's middle pixel, right to about 0.5 %.

    Args:
        grid: The pixels.

    Returns:
        Square metres, (H,); None without a place.
    """
    if grid.transform is None or grid.crs is None:
        return None
    height, width = grid.shape
    plane = abs(grid.transform.determinant)
    if grid.crs.is_projected:
        return np.full(height, plane * grid.crs.linear_units_factor[1] ** 2)
    columns = np.full(height, width / 2)
    to_map, rows = grid.transform, np.arange(height) + 0.5
    x = to_map.a * columns + to_map.b * rows + to_map.c
    y = to_map.d * columns + to_map.e * rows + to_map.f
    if not grid.crs.is_geographic:
        return None
    _, latitudes = transform_points(grid.crs, "EPSG:4326", x, y)
    return plane * np.radians(1) ** 2 * _RADIUS**2 * np.cos(np.radians(latitudes))


def area_texts(square_metres: Sequence[float]) -> list[str]:
    """Areas in one unit, that which suits the largest.

    Args:
        square_metres: The areas.
    """
    unit, size, digits = "m²", 1.0, 0
    if max(square_metres, default=0) >= 1e5:
        unit, size, digits = ("km²", 1e6, 2) if max(square_metres) >= 1e7 else ("ha", 1e4, 2)
    return [f"{area / size:,.{digits}f} {unit}" for area in square_metres]
