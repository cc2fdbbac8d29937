"""One style for all figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
FRAME = "#888888"
GRID = "#e4e4e4"
TITLE, CAPTION, SMALL = 12, 10, 8.5
"""Sizes of letters in points."""
DPI = 150


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure whose parts make room for each other; pyplot and its state stay untouched."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, fontsize=TITLE, color=INK)
    return figure


def picture_axes(axes: Axes, caption: str = "") -> None:
    """Make axes the frame of a picture: no ticks, a thin line, a caption above.

    Args:
        axes: Changed in place.
        caption: Its text.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(caption, fontsize=CAPTION, color=INK, pad=4)
    for spine in axes.spines.values():
        spine.set(color=FRAME, linewidth=0.6)


def chart_axes(axes: Axes, xlabel: str, ylabel: str, caption: str = "") -> None:
    """Make axes those of a chart: labels, a pale grid, no lines at the top and the right.

    Args:
        axes: Changed in place.
        xlabel: What lies along x, with its unit.
        ylabel: What lies along y, with its unit.
        caption: Above it.
    """
    axes.set_xlabel(xlabel, fontsize=CAPTION, color=INK)
    axes.set_ylabel(ylabel, fontsize=CAPTION, color=INK)
    axes.set_title(caption, fontsize=CAPTION, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=FRAME, linewidth=0.8)
