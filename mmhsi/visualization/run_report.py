"""What a run left behind, as sections of an HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from mmhsi.errors import DataError
from mmhsi.evaluation.metric import cells, read_report
from mmhsi.io.class_map_reader import NO_CLASS

from .curves import read_scalars
from .error_map import ERROR_COLOURS, error_classes
from .html_page import classes_uri, confusion_table, css, layers, legend, table
from .map_figure import legend_entries
from .mapped_scene import MappedScene
from .palette import OKABE_ITO, RGB
from .spectra import ClassSpectra
from .svg import Line, line_chart

MOST_CHARACTERS = 200_000
MOST_CHARTS = 40
MOST_MATRIX_CLASSES = 64
NOT_DRAWN = ("time", "data_time", "memory")

Section = tuple[str, str]


def config_section(work_dir: Path) -> Section | None:
    """The config that mmengine kept, the newest where there are several; None where there is none.

    Args:
        work_dir: The run's folder.
    """
    files = list(work_dir.glob("*.py")) or list(work_dir.glob("*/vis_data/config.py"))
    if not files:
        return None
    newest = max(files, key=lambda path: path.stat().st_mtime)
    text = newest.read_text(errors="replace")
    cut = "\n…" if len(text) > MOST_CHARACTERS else ""
    return (
        "Config",
        f"<details><summary>{escape(newest.name)}</summary><pre>{escape(text[:MOST_CHARACTERS] + cut)}</pre></details>",
    )


def curves_section(work_dir: Path) -> Section | None:
    """A chart of every value that was logged, the losses first; None where there is none.

    Args:
        work_dir: The run's folder.
    """
    scalars = {key: value for key, value in read_scalars(work_dir).items() if key not in NOT_DRAWN}
    names = sorted(scalars, key=lambda key: ("loss" not in key, key))[:MOST_CHARTS]
    charts = []
    for name in names:
        unit, curve = scalars[name]
        chart = line_chart([Line(name, css(OKABE_ITO[4]), curve[:, 0], curve[:, 1])], unit, name)
        last = f"last {curve[-1, 1]:.4g} at {unit} {curve[-1, 0]:.0f}"
        charts.append(f"<figure>{chart}<figcaption>{escape(name)}: {last}</figcaption></figure>")
    return ("Training", f'<div class="charts">{"".join(charts)}</div>') if charts else None


def find_report(work_dir: Path) -> Path | None:
    """The newest report of tools/test.py that lies in the work dir or one folder below.

    Args:
        work_dir: The run's folder.
    """
    found = []
    for path in [*work_dir.glob("*.json"), *work_dir.glob("*/*.json")]:
        try:
            read_report(path)
        except DataError:
            continue
        found.append(path)
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def metrics_section(path: Path) -> Section:
    """Metrics, the classes' accuracy and IoU, and the confusion matrix, of a report of tools/test.py.

    Args:
        path: The report.

    Raises:
        DataError: If the file is another one.
    """
    report = read_report(path)
    names = [entry["name"] for entry in report["classes"]]
    content = f"<p>{escape(report['protocol'])}</p>"
    content += table(list(report["metrics"]), [[f"{value:.2f}" for value in report["metrics"].values()]])
    content += "<p></p>" + table(("class", "pixels", "accuracy", "IoU"), [cells(entry) for entry in report["classes"]])
    if len(names) <= MOST_MATRIX_CLASSES:
        content += "<p></p>" + confusion_table(np.array(report["confusion_matrix"]), names)
    return "Test", content


def map_section(scene: MappedScene, names: Sequence[str], palette: Sequence[RGB], title: str) -> Section:
    """The map over the false colour, and ground truth and errors where labels are known.

    Args:
        scene: Scene, map and labels.
        names: Of the classes.
        palette: Their colours.
        title: Heading.
    """
    maps = [("map", classes_uri(scene.classes, palette))]
    shown = [scene.classes]
    if scene.truth is not None:
        errors = error_classes(scene.classes, scene.truth)
        maps.append(("ground truth", classes_uri(scene.truth, palette)))
        maps.append(("errors", classes_uri(errors, list(ERROR_COLOURS.values()))))
        shown.append(scene.truth)
    entries = legend_entries([ids[ids != NO_CLASS] for ids in shown], names, palette)
    if scene.truth is not None:
        entries += list(ERROR_COLOURS.items())
    thinned = f", every {scene.step}. row and column" if scene.step > 1 else ""
    return "Map", f"<p>{escape(title)}{thinned}</p>" + layers(scene.picture, maps) + legend(entries)


def spectra_section(
    spectra: Sequence[tuple[str, ClassSpectra]], names: Sequence[str], palette: Sequence[RGB]
) -> Section:
    """Mean spectra of the classes, mean ± standard deviation shaded; a chart for each caption.

    Args:
        spectra: Caption and spectra of each chart.
        names: Of the classes.
        palette: Their colours.
    """
    charts = []
    for caption, found in spectra:
        present = np.flatnonzero(found.counts).tolist()
        lines = [
            Line(names[index], css(palette[index]), found.wavelengths, found.mean[index], found.std[index])
            for index in present
        ]
        chart = line_chart(lines, found.unit, "value in the file") if lines else ""
        key = legend([(f"{names[index]} ({found.counts[index]} pixels)", palette[index]) for index in present])
        charts.append(f"<figure>{chart}<figcaption>{escape(caption)}</figcaption>{key}</figure>")
    return "Mean spectra of the classes", "".join(charts)
