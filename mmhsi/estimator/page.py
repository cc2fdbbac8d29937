"""A report as one HTML page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .report import SceneReport

MOST_MATRIX_CLASSES = 40


def reliability_figure(report: SceneReport) -> Figure:
    """How often the chosen class is right, over how probable it was said to be.

    Args:
        report: Its ``reliability`` is drawn.
    """
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(3.6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    if report.reliability:
        confidence, accuracy, counts = np.array(report.reliability).T
        axes.scatter(confidence, accuracy, s=10 + 150 * counts / counts.sum(), color="#0072b2", alpha=0.8)
        axes.plot(confidence, accuracy, color="#0072b2", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the chosen class", ylabel="share of right ones")
    return figure


def render_page(report: SceneReport, picture: str | None = None, spectra: str | None = None) -> str:
    """Put the page together; it loads nothing from outside, and all texts are escaped.

    Args:
        report: What it says.
        picture: Data URI of the map beside the false colour.
        spectra: Data URI of the classes' mean spectra.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from mmhsi.visualization.data_uri import svg_uri

    loader = PackageLoader("mmhsi.estimator")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    counts = np.asarray(report.confusion)
    shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).tolist()
    return environment.get_template("scene_report.html.j2").render(
        report=report,
        unit="pixels" if report.pixel_area is None else "ha",
        rows=[(row, _area(*report.areas[row.name])) for row in report.classes],
        leaky=f"{100 * report.random:.1f} %" if math.isfinite(report.random) else None,
        matrix=list(zip(counts.tolist(), shares, strict=True)) if len(counts) <= MOST_MATRIX_CLASSES else [],
        diagram=svg_uri(reliability_figure(report)),
        picture=picture,
        spectra=spectra,
    )


def _area(value: float, low: float, high: float) -> str:
    text = "-" if not math.isfinite(value) else f"{value:.1f}"
    return f"{text} ({low:.1f} to {high:.1f})" if math.isfinite(low) else text
