"""Where a map lies on the globe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rasterio.warp import transform, transform_geom

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

_SECTIONS = 20
"""Of each side, between which longitudes are followed: no map has one of half a turn."""


def outline(dataset: DatasetReader, sections: int = 1) -> list[list[list[float]]] | None:
    """Outline of a raster in longitude and latitude, in parts where it lies across 180°.

    Args:
        dataset: The raster, open.
        sections: Straight pieces that stand for each side of the grid: 1, 2, 4, 5, 10 or 20. Default 1.

    Returns:
        Closed rings of [longitude, latitude] in WGS 84, from west to east on the grid; anticlockwise where its rows run
        southwards, but around a pole. None without a CRS, or of one that has no place on the globe.
    """
    if dataset.crs is None:
        return None
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)], dtype=float)
    shares = np.linspace(corners[:-1], corners[1:], _SECTIONS, endpoint=False, axis=1).reshape(-1, 2)
    columns, rows = np.concatenate([shares, corners[:1]]).T * np.array([[dataset.width], [dataset.height]])
    a, b, c, d, e, f, *_ = dataset.transform
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    try:
        longitude, latitude = map(np.array, transform(dataset.crs, "EPSG:4326", x, y)[:2])
        if not np.isfinite(longitude).all() or not np.abs(latitude).max() < 90 + 1e-9:
            return None
        if not dataset.crs.is_geographic:  # whose grids count on beyond 180°
            longitude = np.unwrap(longitude, period=360)
        if abs(longitude[-1] - longitude[0]) > 1:
            return _around_a_pole(dataset, np.column_stack([x, y])[:: _SECTIONS // sections])
    except Exception:  # GDAL's errors have no common class; a system of another planet, or of no planet
        return None
    ring = np.column_stack([longitude, latitude])[:: _SECTIONS // sections]
    first, last = (int(turn) for turn in np.rint(np.array([longitude.min(), longitude.max()]) / 360))
    parts = [_between(ring, 360 * turn - 180, 360 * turn + 180) - [360 * turn, 0] for turn in range(first, last + 1)]
    return [part.tolist() for part in parts if len(part)] or None


def _between(ring: NDArray[np.float64], west: float, east: float) -> NDArray[np.float64]:
    """The part of a closed ring (n, 2) between two meridians; (0, 2) where nothing or a line is."""
    for sign, border in ((1, west), (-1, east)):
        inside = sign * (ring[:, 0] - border)
        kept: list[NDArray[np.float64]] = []
        for here, there, before, after in zip(ring[:-1], ring[1:], inside[:-1], inside[1:], strict=True):
            if before >= 0:
                kept.append(here)
            if before * after < 0:
                kept.append(np.array([border, here[1] + (there[1] - here[1]) * before / (before - after)]))
        ring = np.array([*kept, kept[0]]) if kept else np.empty((0, 2))
    return ring if len(ring) and np.ptp(ring[:, 0]) > 0 else np.empty((0, 2))


def _around_a_pole(dataset: DatasetReader, corners: NDArray[np.float64]) -> list[list[list[float]]] | None:
    """As GDAL cuts what lies around a pole."""
    polygon = dict(type="Polygon", coordinates=[corners.tolist()])
    found = transform_geom(dataset.crs, "EPSG:4326", polygon, antimeridian_cutting=True)
    parts = found["coordinates"] if found["type"] == "MultiPolygon" else [found["coordinates"]]
    rings = [[list(point) for point in part[0]] for part in parts]
    return rings if all(-180 <= longitude <= 180 for ring in rings for longitude, _ in ring) else None
