"""Scale bar, north arrow and coordinates of a map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .style import FRAME, INK

if TYPE_CHECKING:
    from collections.abc import Callable

    from affine import Affine
    from matplotlib.axes import Axes
    from matplotlib.patheffects import AbstractPathEffect
    from rasterio.crs import CRS

    from mmhsi.io.placement import Grid

METRES_PER_DEGREE = 111_195.0  # of a great circle on the sphere with the area of the WGS 84 ellipsoid
SHARE = 0.25  # of the panel's width that a scale bar takes at most


@dataclass(frozen=True)
class MapFrame:
    """Where the pixels of a picture lie.

    Attributes:
        transform: From (column, row) of the picture to map coordinates.
        geographic: Whether these are longitudes and latitudes.
        metres: Ground between two neighbours in a row.
        north: Direction of north in the picture, (columns, rows), of length 1.
    """

    transform: Affine
    geographic: bool
    metres: float
    north: tuple[float, float]

    @classmethod
    def of(cls, grid: Grid, step: int = 1) -> MapFrame | None:
        """That of a grid of pixels.

        Args:
            grid: The pixels.
            step: Every how many-th row and column is shown. Default 1.

        Returns:
            The frame; None where the grid has no place, or one of neither kind.
        """
        if grid.crs is None or grid.transform is None or not (grid.crs.is_geographic or grid.crs.is_projected):
            return None
        to_map = grid.transform @ type(grid.transform).scale(step)
        height, width = grid.shape
        metres = _metres(to_map, grid.crs, to_map.f + to_map.e * height / (2 * step) + to_map.d * width / (2 * step))
        inverse = ~to_map
        length = math.hypot(inverse.b, inverse.e)
        return cls(to_map, grid.crs.is_geographic, metres, (inverse.b / length, inverse.e / length))


def _metres(to_map: Affine, crs: CRS, latitude: float) -> float:
    if crs.is_projected:
        return math.hypot(to_map.a, to_map.d) * crs.linear_units_factor[1]
    return METRES_PER_DEGREE * math.hypot(to_map.a * math.cos(math.radians(latitude)), to_map.d)


def bar_length(metres: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50, … metres that fits.

    Example:
        >>> [bar_length(room) for room in (1.9, 240, 50_000)]
        [1.0, 200.0, 50000.0]
    """
    power = 10 ** math.floor(math.log10(metres))
    return float(next(factor * power for factor in (5, 2, 1) if factor * power <= metres * (1 + 1e-9)))


def draw_scale_and_north(axes: Axes, frame: MapFrame, shape: tuple[int, int]) -> None:
    """Draw scale bar and north arrow into a picture, readable on any ground.

    Args:
        axes: Of the picture, in its pixels.
        frame: Where it lies.
        shape: (H, W) of the picture.
    """
    from matplotlib.patheffects import withStroke

    height, width = shape
    outline: list[AbstractPathEffect] = [withStroke(linewidth=3, foreground="black")]
    length = bar_length(SHARE * width * frame.metres)
    pixels, left, bottom = length / frame.metres, 0.05 * width, 0.94 * height
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    for colour, points in (("black", 5), ("white", 2.5)):
        axes.plot([left, left + pixels], [bottom, bottom], color=colour, lw=points, solid_capstyle="projecting")
    axes.annotate(
        text,
        (left + pixels / 2, bottom),
        (0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
        color="white",
        path_effects=outline,
    )
    reach = 0.05 * min(height, width)
    middle = np.array([0.93 * width, 0.08 * height])
    tail, tip = middle - reach * np.array(frame.north), middle + reach * np.array(frame.north)
    ends = (float(tip[0]), float(tip[1])), (float(tail[0]), float(tail[1]))
    arrow = axes.annotate("", *ends, arrowprops=dict(arrowstyle="-|>", color="white", lw=1.5))
    assert arrow.arrow_patch is not None
    arrow.arrow_patch.set_path_effects(outline)
    axes.annotate(
        "N",
        tuple(tail),
        tuple(-9 * np.array([frame.north[0], -frame.north[1]])),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=8,
        color="white",
        path_effects=outline,
    )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)


def draw_coordinates(axes: Axes, frame: MapFrame, shape: tuple[int, int]) -> bool:
    """Write a few map coordinates at the left and the bottom of a picture whose rows run west to east.

    Args:
        axes: Of the picture, in its pixels.
        frame: Where it lies.
        shape: (H, W) of the picture.

    Returns:
        Whether there are any: none where the picture is rotated.
    """
    if abs(frame.transform.b) > 1e-9 * abs(frame.transform.a) or abs(frame.transform.d) > 1e-9 * abs(frame.transform.e):
        return False
    height, width = shape
    to_x, to_y = frame.transform.a, frame.transform.e
    axes.set_xticks(*_ticks(frame.transform.c, to_x, width, frame.geographic, _east))
    axes.set_yticks(*_ticks(frame.transform.f, to_y, height, frame.geographic, _north), rotation=90, va="center")
    axes.tick_params(labelsize=7, length=2.5, width=0.6, color=FRAME, labelcolor=INK, pad=2)
    return True


def _ticks(
    origin: float, per_pixel: float, count: int, geographic: bool, say: Callable[[float, bool], str]
) -> tuple[list[float], list[str]]:
    """Places in pixels and texts of some round coordinates."""
    from matplotlib.ticker import MaxNLocator

    ends = sorted((origin, origin + per_pixel * count))
    values = [value for value in MaxNLocator(3).tick_values(*ends) if ends[0] <= value <= ends[1]]
    return [(value - origin) / per_pixel - 0.5 for value in values], [say(value, geographic) for value in values]


def _east(value: float, geographic: bool) -> str:
    return f"{abs(value):g}° {'E' if value >= 0 else 'W'}" if geographic else f"{value:,.0f} m"


def _north(value: float, geographic: bool) -> str:
    return f"{abs(value):g}° {'N' if value >= 0 else 'S'}" if geographic else f"{value:,.0f} m"
