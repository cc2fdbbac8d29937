"""Where maps lie on the globe, across 180° and around poles too."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from rasterio.warp import transform

from mmhsi.inference.outline import outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 20


def parts_of(crs: str | None, bounds: tuple[float, ...], sections: int) -> list[NDArray] | None:
    with MemoryFile() as memory:
        grid = dict(width=SIZE, height=SIZE, count=1, dtype="uint8", transform=from_bounds(*bounds, SIZE, SIZE))
        with memory.open(driver="GTiff", crs=crs, **grid) as file:
            file.write(np.zeros((1, SIZE, SIZE), np.uint8))
        with memory.open() as file:
            found = outline(file, sections)
    return None if found is None else [np.array(part) for part in found]


def covers(ring: NDArray, point: tuple[float, float]) -> bool:
    """Whether a point lies within a ring: a line from it to the east crosses it an odd number of times."""
    (x, y), crossings = point, 0
    for (x0, y0), (x1, y1) in pairwise(ring):
        crossings += (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return crossings % 2 == 1


@pytest.mark.parametrize("sections", [1, 20])
@pytest.mark.parametrize(
    ("crs", "bounds", "parts"),
    [
        ("EPSG:32633", (366000, 5794000, 372000, 5800000), 1),
        ("EPSG:32601", (300000, 7200000, 360000, 7260000), 2),  # zone 1 begins at 180°, here at 358 km
        ("EPSG:32660", (640000, 7200000, 700000, 7260000), 2),
        ("EPSG:4326", (179.7, 60, 180.3, 61), 2),
        ("EPSG:4326", (-180.3, 60, -179.7, 61), 2),
        ("EPSG:4326", (179, 60, 180, 61), 1),
        ("EPSG:4326", (190, 60, 191, 61), 1),
        ("EPSG:4326", (350, 0, 370, 10), 1),
        ("EPSG:4326", (0, -80, 360, 80), 2),
        ("EPSG:3857", (-20037508, -8e6, 20037508, 8e6), 1),
    ],
)
def test_every_pixel_lies_in_one_part_and_no_other_place_does(
    crs: str, bounds: tuple[float, ...], parts: int, sections: int
) -> None:
    found = parts_of(crs, bounds, sections)
    assert found is not None
    assert len(found) == parts
    assert all((np.abs(part[:, 0]) <= 180).all() for part in found)
    west, south, east, north = bounds
    inside = np.array([0.1, 0.33, 0.72, 0.9])
    x, y = np.meshgrid(west + (east - west) * inside, south + (north - south) * inside)
    x, y = x.ravel(), y.ravel()
    longitude, latitude = map(np.array, transform(crs, "EPSG:4326", x, y))
    longitude = (longitude + 180) % 360 - 180
    for point in zip(longitude, latitude, strict=True):
        assert sum(covers(part, point) for part in found) == 1
    total = sum(_area(part) for part in found)
    if crs == "EPSG:4326":
        assert total == pytest.approx((east - west) * (north - south))
    elif crs == "EPSG:3857":
        assert total == pytest.approx(360 * 2 * np.degrees(np.arctan(np.sinh(8e6 / 6378137))), rel=1e-6)
    else:  # of some kilometres
        assert 0 < total < 1


def _area(ring: NDArray) -> float:
    x, y = ring.T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def test_a_map_around_a_pole_and_maps_of_no_place() -> None:
    (ring,) = parts_of("EPSG:3413", (-1e5, -1e5, 1e5, 1e5), 20) or []
    assert (ring[:, 0].min(), ring[:, 0].max(), ring[:, 1].max()) == (-180, 180, 90)
    assert covers(ring, (33, 89.5))
    assert not covers(ring, (33, 88))
    assert parts_of(None, (0, 0, 1, 1), 1) is None
    assert parts_of("EPSG:32633", (1e12, 1e12, 2e12, 2e12), 1) is None
