"""A report as one HTML page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .report import place

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

    from .report import SceneReport

MOST_MATRIX_CLASSES = 40
MOST_SPECTRA = 24

FEWEST_IN_LINE = 10
"""Pixels of a bin of the reliability diagram through which its line goes; what fewer say is chance."""


def reliability_figure(report: SceneReport) -> Figure:
    """How often the chosen class is right, over how probable it was said to be.

    Args:
        report: Its ``reliability`` is drawn.
    """
    from mmhsi.visualization.style import FRAME, SMALL, chart_axes, new_figure

    figure = new_figure(4.6, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FRAME, linewidth=1, linestyle=":", label="as often right as probable")
    if report.reliability:
        confidence, accuracy, counts = np.array(report.reliability).T
        many = counts >= FEWEST_IN_LINE
        axes.plot(confidence[many], accuracy[many], color="#0072b2", linewidth=1.5)
        label = f"{counts.sum():,.0f} held-out pixels; larger dots have more"
        axes.scatter(
            confidence, accuracy, s=15 + 250 * counts / counts.sum(), color="#0072b2", label=label, clip_on=False
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    chart_axes(axes, "probability of the chosen class", "share of them that is right")
    axes.legend(fontsize=SMALL, frameon=False, loc="lower right", markerscale=0.6)
    return figure


def labels_figure(report: SceneReport) -> Figure:
    """Mean spectra of the labelled pixels of each class with their quantiles, broken at missing bands and detectors.

    Args:
        report: Its ``spectra``, of :func:`mmhsi.estimator.findings.labelled_spectra`, are drawn.
    """
    from mmhsi.visualization import class_palette
    from mmhsi.visualization.spectra import ClassSpectra, gapless_pieces, spectra_figure

    rows = report.spectra["classes"]
    palette = class_palette([row["name"] for row in rows])[:MOST_SPECTRA]
    rows = rows[:MOST_SPECTRA]
    names = [row["name"] for row in rows]
    bands = np.asarray(report.spectra["bands"])
    known = report.spectra["wavelengths"] is not None
    centres = np.asarray(report.spectra["wavelengths"] if known else bands, dtype=np.float64)
    mean, low, high = (np.array([row[value] for row in rows]) for value in ("mean", "low", "high"))
    spectra = ClassSpectra(
        counts=np.array([row["labels"] for row in rows]),
        mean=mean,
        std=np.full_like(mean, np.nan),
        wavelengths=centres,
        unit="wavelength in nm" if known else "band",
        quantiles=np.stack([low, high]),
        pieces=gapless_pieces(bands, centres),
        bands=bands,
        reflectance=report.spectra["reflectance"],
    )
    return spectra_figure(spectra, names, palette)


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
        spectra=svg_uri(labels_figure(report)) if report.spectra.get("classes") else None,
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
        rows=[(row, report.area_text(row.name)) for row in report.classes],
        leaky=leaky,
    )
