"""Line charts as SVG text, for pages without any library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 40
MOST_POINTS = 1000

Values = npt.NDArray[np.floating]


class Line(NamedTuple):
    """A line of a chart.

    Attributes:
        name: Shown as a tooltip.
        colour: CSS colour.
        x: Rising, (n,).
        y: (n,).
        spread: Half the height of the band around the line, (n,), or None.
    """

    name: str
    colour: str
    x: Values
    y: Values
    spread: Values | None = None


def line_chart(lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Draw lines over common axes.

    Args:
        lines: At least one; values that are not finite are left out, and of more than 1000 points evenly spread ones
            are drawn.
        x_label: Below.
        y_label: On the left.

    Returns:
        An ``<svg>`` element, its texts escaped; axes have the text's colour (``currentColor``).
    """
    lines = [_thinned(line) for line in lines]
    spreads = [np.zeros_like(line.y) if line.spread is None else line.spread for line in lines]
    x_low, x_high = _range(np.concatenate([line.x for line in lines]))
    low_high = [line.y + sign * spread for line, spread in zip(lines, spreads, strict=True) for sign in (-1, 1)]
    y_low, y_high = _range(np.concatenate(low_high))

    def points(x: Values, y: Values) -> str:
        across = LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return " ".join(f"{a:.1f},{d:.1f}" for a, d in zip(across, down, strict=True))

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)}">']
    for value in _ticks(y_low, y_high):
        a, d = points(np.array([x_low]), np.array([value])).split(",")
        parts.append(f'<path class="grid" d="M{a} {d}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{d}" text-anchor="end" dy=".35em">{value:.6g}</text>')
    for value in _ticks(x_low, x_high):
        a, _ = points(np.array([value]), np.array([y_low])).split(",")
        parts.append(f'<text x="{a}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:.6g}</text>')
    for line in lines:
        if line.spread is None:
            continue
        x, y = np.concatenate([line.x, line.x[::-1]]), line.y + line.spread
        outline = points(x, np.concatenate([y, (line.y - line.spread)[::-1]]))
        parts.append(f'<polygon points="{outline}" fill="{escape(line.colour)}" fill-opacity=".15"/>')
    for line in lines:
        parts.append(
            f'<polyline points="{points(line.x, line.y)}" fill="none" stroke="{escape(line.colour)}" '
            f'stroke-width="1.6"><title>{escape(line.name)}</title></polyline>'
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text></svg>'
    )
    return "".join(parts)


def _thinned(line: Line) -> Line:
    """At most :data:`MOST_POINTS` finite points."""
    kept = np.flatnonzero(np.isfinite(line.x) & np.isfinite(line.y))
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).astype(int)]
    return line._replace(x=line.x[kept], y=line.y[kept], spread=None if line.spread is None else line.spread[kept])


def _range(values: Values) -> tuple[float, float]:
    """Lowest and highest value, apart from each other."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Some four to eight round numbers from ``low`` to ``high``."""
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [round(number * step, 12) for number in range(first, last + 1)]
