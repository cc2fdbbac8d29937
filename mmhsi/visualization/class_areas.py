"""How much ground each class of a map covers, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .style import INK, SMALL, chart_axes, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mmhsi.io.placement import Grid

    from .palette import RGB


class ClassArea(NamedTuple):
    """What a class covers on a map.

    Attributes:
        name: Of the class.
        pixels: How many.
        share: Of all pixels that have a class, 0 to 1.
        hectares: NaN where the size of a pixel is unknown.
        colour: RGB, 0-255.
    """

    name: str
    pixels: int
    share: float
    hectares: float
    colour: RGB


def pixel_area(grid: Grid) -> float:
    """Square metres that a pixel covers.

    Args:
        grid: The pixels.

    Returns:
        NaN where they have no place, or degrees as theirs, of which a pixel has another area in every row.
    """
    if grid.crs is None or grid.transform is None or not grid.crs.is_projected:
        return float("nan")
    return float(abs(grid.transform.determinant) * grid.crs.linear_units_factor[1] ** 2)


def class_areas(
    classes: NDArray[np.integer], names: Sequence[str], palette: Sequence[RGB], square_metres: float = float("nan")
) -> list[ClassArea]:
    """Count the pixels of a map; the largest class comes first, absent ones are left out.

    Args:
        classes: Ids 0..K-1, others, such as 255, for none, (H, W).
        names: K names.
        palette: K RGB colours, 0-255.
        square_metres: What a pixel covers. Default NaN, unknown.
    """
    counts = np.bincount(classes[(classes >= 0) & (classes < len(names))], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    return [
        ClassArea(
            names[index],
            int(counts[index]),
            float(counts[index] / counts.sum()),
            float(counts[index] * square_metres / 1e4),
            palette[index],
        )
        for index in order[counts[order] > 0]
    ]


def areas_figure(areas: Sequence[ClassArea], title: str = "") -> Figure:
    """Draw a bar a class, the largest on top, with its area and its share.

    Args:
        areas: Of :func:`class_areas`.
        title: Above the picture.
    """
    known = all(np.isfinite(area.hectares) for area in areas)
    values = [area.hectares if known else area.pixels for area in areas]
    figure = new_figure(7, 1.3 + 0.3 * len(areas), title)
    axis = figure.subplots()
    places = range(len(areas))
    colours = [tuple(part / 255 for part in area.colour) for area in areas]
    axis.barh(places, values, color=colours, edgecolor="#888888", lw=0.4, height=0.75)
    axis.set_yticks(places, [area.name for area in areas])
    axis.invert_yaxis()
    for place, (value, area) in enumerate(zip(values, areas, strict=True)):
        text = f" {value:,.1f} ha" if known else f" {value:,}"
        axis.text(value, place, f"{text}, {100 * area.share:.1f} %", va="center", fontsize=SMALL, color=INK)
    chart_axes(axis, "hectares on the map" if known else "pixels on the map", "")
    axis.grid(visible=False, axis="y")
    axis.margins(x=0.25)
    axis.set_xlim(left=0)
    return figure
