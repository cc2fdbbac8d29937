"""What a run left behind, as one self-contained HTML page: what ``templates/run_report.html.j2`` is filled with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmhsi.errors import DataError
from mmhsi.evaluation.metric import cells, read_report

from .curves import curve_figure, read_scalars
from .data_uri import doubt_uri, picture_uri, svg_uri
from .error_map import ERROR_COLOURS
from .map_figure import legend_entries, map_panels
from .spectra import ClassSpectra, spectra_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from .mapped_scene import MappedScene
    from .palette import RGB
    from .pixel_spectra import PixelSpectra

MOST_CHARACTERS = 200_000
MOST_CHARTS = 40
MOST_MATRIX_CLASSES = 64
LAYERS = ("False colour", "Classification", "Ground truth", "Errors")
"""Order of the map's layers; the first two are seen at first."""
NOT_DRAWN = ("time", "data_time", "memory")

Chart = tuple[str, str]
"""Caption and data URI."""


class ConfigPart(NamedTuple):
    """A config file: name and content."""

    name: str
    text: str


class MetricsPart(NamedTuple):
    """A report of mmhsi test.

    Attributes:
        protocol: How was tested.
        metrics: Their values as texts.
        classes: Name, pixels, accuracy and IoU of each.
        shares: Pixels and share of its true class of each cell of the confusion matrix; none of too many classes.
    """

    protocol: str
    metrics: dict[str, str]
    classes: list[list[str]]
    shares: list[list[tuple[int, float]]]


class MapPart(NamedTuple):
    """The map over the false colour.

    Attributes:
        title: Line above it.
        ratio: Width by height.
        layers: Names and data URIs of what can be shown, the false colour first.
        legend: Names and colours.
        spectra: Of the pixels that can be clicked, or None.
    """

    title: str
    ratio: float
    layers: list[Chart]
    legend: list[tuple[str, RGB]]
    spectra: PixelSpectra | None = None


def render_report(
    title: str,
    test: MetricsPart | None = None,
    map_: MapPart | None = None,
    spectra: Sequence[Chart] = (),
    curves: Sequence[Chart] = (),
    config: ConfigPart | None = None,
) -> str:
    """Put a page together of the parts that there are; it loads nothing from outside, and all texts are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mmhsi.visualization")
    # The viewer's code is ours and is put in as it is; nothing else is.
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.get_template("run_report.html.j2")
    return page.render(title=title, test=test, map=map_, spectra=spectra, curves=curves, config=config)


def config_part(work_dir: Path) -> ConfigPart | None:
    """The config that mmengine kept, the newest where there are several; None where there is none."""
    files = list(work_dir.glob("*.py")) or list(work_dir.glob("*/vis_data/config.py"))
    if not files:
        return None
    newest = max(files, key=lambda path: path.stat().st_mtime)
    text = newest.read_text(encoding="utf-8", errors="replace")
    return ConfigPart(newest.name, text[:MOST_CHARACTERS] + "\n…" * (len(text) > MOST_CHARACTERS))


def curve_charts(work_dir: Path) -> list[Chart]:
    """A chart of every value that was logged, the losses first."""
    scalars = {key: value for key, value in read_scalars(work_dir).items() if key not in NOT_DRAWN}
    charts = []
    for name in sorted(scalars, key=lambda key: ("loss" not in key, key))[:MOST_CHARTS]:
        unit, curve = scalars[name]
        caption = f"{name}: last {curve[-1, 1]:.4g} at {unit} {curve[-1, 0]:.0f}"
        charts.append((caption, svg_uri(curve_figure(curve, unit, name))))
    return charts


def find_report(work_dir: Path) -> Path | None:
    """The newest report of mmhsi test that lies in the work dir or one folder below."""
    found = []
    for path in [*work_dir.glob("*.json"), *work_dir.glob("*/*.json")]:
        try:
            read_report(path)
        except DataError:
            continue
        found.append(path)
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def metrics_part(path: Path) -> MetricsPart:
    """Metrics, the classes' accuracy and IoU, and the confusion matrix, of a report of mmhsi test."""
    report = read_report(path)
    counts = np.array(report["confusion_matrix"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = zip(counts.tolist(), shares.tolist(), strict=True)
    return MetricsPart(
        report["protocol"],
        {name: f"{value:.2f}" for name, value in report["metrics"].items()},
        [cells(entry) for entry in report["classes"]],
        [list(zip(*row, strict=True)) for row in rows] if len(counts) <= MOST_MATRIX_CLASSES else [],
    )


def map_part(
    scene: MappedScene,
    names: Sequence[str],
    palette: Sequence[RGB],
    title: str,
    doubt: npt.NDArray[np.floating] | None = None,
    spectra: PixelSpectra | None = None,
) -> MapPart:
    """False colour and map, ground truth and errors where labels are known, and doubt where it is (H, W), 0 to 1."""
    panels = map_panels(scene.picture, scene.classes, palette, scene.truth)
    layers = [(caption, picture_uri(rgb)) for caption, rgb, _ in panels]
    layers.sort(key=lambda layer: LAYERS.index(layer[0]))
    if doubt is not None:
        layers.append(("Doubt (bright: unsure)", doubt_uri(doubt[:: scene.step, :: scene.step])))
    legend = legend_entries(scene.classes, scene.truth, names, palette)
    if scene.truth is not None:
        legend += ERROR_COLOURS.items()
    thinned = f", every {scene.step}. row and column" if scene.step > 1 else ""
    height, width = scene.picture.shape[:2]
    return MapPart(title + thinned, width / height, layers, legend, spectra)


def spectra_charts(
    spectra: Sequence[tuple[str, ClassSpectra]], names: Sequence[str], palette: Sequence[RGB]
) -> list[Chart]:
    """Mean spectra of the classes, mean ± standard deviation shaded; a chart for each caption that has pixels."""
    return [
        (caption, svg_uri(spectra_figure(found, names, palette))) for caption, found in spectra if found.counts.any()
    ]
