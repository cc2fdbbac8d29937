"""How much ground a pixel covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rasterio.warp import transform as transform_points

if TYPE_CHECKING:
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


def area_text(square_metres: float) -> str:
    """An area in the unit that suits it.

    Args:
        square_metres: The area.
    """
    for unit, size in (("km²", 1e6), ("ha", 1e4)):
        if square_metres >= 10 * size:
            return f"{square_metres / size:,.1f} {unit}"
    return f"{square_metres:,.0f} m²"
