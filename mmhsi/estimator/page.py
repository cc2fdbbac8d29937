"""A report as one HTML page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .report import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template
    from matplotlib.figure import Figure

    from .report import SceneReport

MOST_MATRIX_CLASSES = 40
MOST_SPECTRA = 24
PANEL = 6
"""Classes whose spectra are drawn into one another."""


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


def spectra_figure(spectra: Mapping[str, Any]) -> Figure:
    """Mean spectra of the classes with their quantiles, a panel for each handful of classes, gaps at missing bands.

    Args:
        spectra: Of :func:`mmhsi.estimator.findings.labelled_spectra`.
    """
    from matplotlib.figure import Figure as NewFigure

    from mmhsi.visualization import default_palette

    rows = spectra["classes"][:MOST_SPECTRA]
    bands = np.asarray(spectra["bands"])
    known = spectra["wavelengths"] is not None
    places = np.asarray(spectra["wavelengths"] if known else bands, dtype=np.float64)
    order = np.argsort(places, kind="stable")
    places, gaps = places[order], np.flatnonzero(np.abs(np.diff(bands[order])) > 1) + 1
    colours = default_palette(max(1, len(rows)))
    count = max(1, math.ceil(len(rows) / PANEL))
    columns = min(2, count)
    lines = math.ceil(count / columns)
    figure = NewFigure(figsize=(4.6 * columns, 2.9 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for index, row in enumerate(rows):
        axes, colour = panels[index // PANEL], np.array(colours[index]) / 255
        mean, low, high = (np.insert(np.asarray(row[name])[order], gaps, np.nan) for name in ("mean", "low", "high"))
        along = np.insert(places, gaps, np.nan)
        axes.plot(along, mean, color=colour, linewidth=1.2, label=row["name"])
        axes.fill_between(along, low, high, color=colour, alpha=0.15, linewidth=0)
    for axes in panels:
        axes.set_visible(bool(axes.lines))
        axes.set_xlabel("wavelength (nm)" if known else "band")
        axes.legend(fontsize="x-small", frameon=False)
    return figure


def render_page(report: SceneReport, picture: str | None = None) -> str:
    """Put the page together; it loads nothing from outside, and all texts are escaped.

    Args:
        report: What it says.
        picture: Data URI of the map beside the false colour.
    """
    from mmhsi.visualization.data_uri import svg_uri

    counts = np.asarray(report.confusion)
    shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).tolist()
    return _template("scene_report.html.j2").render(
        **_figures(report),
        matrix=list(zip(counts.tolist(), shares, strict=True)) if len(counts) <= MOST_MATRIX_CLASSES else [],
        diagram=svg_uri(reliability_figure(report)),
        picture=picture,
        spectra=svg_uri(spectra_figure(report.spectra)) if report.spectra.get("classes") else None,
        place=place,
    )


def render_summary(report: SceneReport) -> str:
    """What a notebook shows: the accuracy, the classes and what was chosen.

    Args:
        report: What it says.
    """
    return _template("scene_summary.html.j2").render(**_figures(report))


def _template(name: str) -> Template:
    """A template whose texts are all escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mmhsi.estimator")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


def _figures(report: SceneReport) -> dict[str, Any]:
    """What both pages say."""
    leaky = f"{100 * report.random:.1f} %{report.overstated}" if math.isfinite(report.random) else None
    return dict(
        report=report,
        unit="pixels" if report.pixel_area is None else "ha",
        rows=[(row, _area(*report.areas[row.name])) for row in report.classes],
        leaky=leaky,
    )


def _area(value: float, low: float, high: float) -> str:
    text = "-" if not math.isfinite(value) else f"{value:.1f}"
    return f"{text} ({low:.1f} to {high:.1f})" if math.isfinite(low) else text
