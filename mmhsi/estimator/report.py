"""What a classifier of a scene found out about itself, as data and as a text for a paper."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmhsi.errors import DataError, counted
from mmhsi.evaluation.markdown import cell
from mmhsi.io.files import replacing

from .weighing import combination

if TYPE_CHECKING:
    from collections.abc import Mapping


MOST_LEARNT = 2000
"""Labelled pixels from which on some classifiers draw a part (:data:`mmhsi.estimator.samples.MOST_WINDOWS`)."""

_PAGE_SAYS = b'<p class="headline">Accuracy expected elsewhere on the scene:'
"""In the template of its page."""


@dataclass(frozen=True)
class Share:
    """A share of 1 with its interval.

    Attributes:
        value: The estimate.
        low: Lower bound.
        high: Upper bound.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def __str__(self) -> str:
        if not math.isfinite(self.value):
            return "-"
        bounds = f" ({100 * self.low:.1f} to {100 * self.high:.1f})" if math.isfinite(self.low) else ""
        return f"{100 * self.value:.1f} %{bounds}"


@dataclass(frozen=True)
class ClassRow:
    """A class in the report.

    Attributes:
        name: Its name.
        labels: Labelled pixels.
        producers: Producer's accuracy (recall) of held-out pixels.
        users: User's accuracy (precision) of held-out pixels.
        mapped: Share of the map.
        area: Estimated share of the ground; NaN where labels are no probability sample.
    """

    name: str
    labels: int
    producers: Share
    users: Share
    mapped: float = math.nan
    area: Share = field(default_factory=lambda: Share(math.nan))


@dataclass
class SceneReport:
    """Everything that a reader needs to judge the map.

    Attributes:
        scene: The cube's name.
        accuracy: Share of the map that is right, from held-out pixels, with a 90 % interval from whole groups.
        random: Share of right pixels by folds drawn pixel by pixel, which leak; NaN where time did not suffice.
        folds: How pixels were held out.
        groups: Groups of pixels that were held out together, by which the interval is known.
        classes: Rows of the table.
        confusion: Held-out pixels by true (rows) and predicted class.
        candidates: Name, accuracy and seconds of each that was tried.
        weights: Weights of the ensemble by name.
        temperature: Of the calibration.
        calibration: Expected calibration error before and after, the latter by folds that did not fit it.
        reliability: Mean probability, share of right ones and pixels of each bin, after calibration.
        sample: Whether the labels were said to be a probability sample.
        pixel_area: Square metres a pixel covers, or None.
        pixels: Pixels of the map that hold data.
        spectra: Of every class's labelled pixels, :func:`mmhsi.estimator.findings.labelled_spectra`.
        doubtful: Regions in which the map is in doubt, :func:`mmhsi.estimator.findings.doubtful_regions`.
        next_labels: Where labels would tell most, :func:`mmhsi.estimator.findings.next_labels`.
        decisions: What was decided, and why.
        warnings: What matters and cannot be mended here.
        facts: Versions, seed, hashes of the inputs, seconds of each step.
    """

    scene: str
    accuracy: Share
    folds: str
    groups: int
    classes: list[ClassRow]
    confusion: list[list[int]]
    candidates: list[dict[str, Any]]
    weights: dict[str, int]
    temperature: float
    calibration: tuple[float, float]
    reliability: list[tuple[float, float, int]]
    random: float = math.nan
    sample: bool = False
    pixel_area: float | None = None
    pixels: int = 0
    spectra: dict[str, Any] = field(default_factory=dict)
    doubtful: list[dict[str, Any]] = field(default_factory=list)
    next_labels: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """The accuracy with its interval, and how much these rest on."""
        if not math.isfinite(self.accuracy.low):
            return str(self.accuracy)
        held = counted(sum(map(sum, self.confusion)), "held-out pixel")
        return (
            f"{100 * self.accuracy.value:.1f} %, 90 % interval {100 * self.accuracy.low:.1f} to "
            f"{100 * self.accuracy.high:.1f} %, from {held} in {counted(self.groups, 'place')}"
        )

    @property
    def overstated(self) -> str:
        """How much more folds drawn pixel by pixel would have said, in words; empty where that is not known."""
        more = round(100 * (self.random - self.accuracy.value), 1) if math.isfinite(self.random) else 0.0
        return f", {abs(more)} points {'more' if more > 0 else 'less'}" if more else ""

    @property
    def calibrated(self) -> str:
        """How far the probabilities can be believed, in a sentence."""
        before, after = (f"{error:.3f}" for error in self.calibration)
        of = "the expected calibration error of held-out pixels is"
        if self.temperature == 1:
            return f"Probabilities are not calibrated; {of} {before}."
        return (
            f"Probabilities are calibrated by a temperature of {self.temperature:.2f}; {of} {after} ({before} before)."
        )

    def _repr_html_(self) -> str:
        from .page import render_summary

        return render_summary(self)

    @property
    def areas(self) -> dict[str, tuple[float, float, float]]:
        """Area of every class in hectares with its 95 % interval, or in pixels where their size is unknown.

        Bounds are NaN where the labels are no probability sample: the map's count then stands, which is biased.
        """
        unit = self.pixels if self.pixel_area is None else self.pixels * self.pixel_area / 1e4
        rows = {}
        for row in self.classes:
            known = math.isfinite(row.area.value)
            share = row.area if known else Share(row.mapped)
            rows[row.name] = (share.value * unit, share.low * unit, share.high * unit)
        return rows

    def area_text(self, name: str) -> str:
        """Area of a class, with its interval where there is one, ``-`` where it is unknown.

        Args:
            name: Of the class.
        """
        value, low, high = self.areas[name]
        if not math.isfinite(value):
            return "-"
        if math.isfinite(low):
            return f"{value:,.1f} ({low:,.1f} to {high:,.1f})"
        return f"{value:,.{0 if self.pixel_area is None else 1}f}"  # counts of the map are whole

    def to_json(self) -> str:
        """Strict JSON: what is not a number is null."""
        return json.dumps(_finite(asdict(self)), indent=1, allow_nan=False)

    def to_markdown(self) -> str:
        """Text and tables for the methods section of a paper."""
        unit = "pixels" if self.pixel_area is None else "ha"
        lines = [
            f"# Classification of {cell(self.scene)}",
            "",
            f"{self._method()} The accuracy expected elsewhere on the scene is {self.expected}. Held out were "
            f"{self.folds}.",
        ]
        if math.isfinite(self.random):
            lines.append(
                f"Folds drawn pixel by pixel, whose held-out pixels lie beside training pixels, would have given "
                f"{100 * self.random:.1f} %{self.overstated}."
            )
        lines += [
            self.calibrated,
            "",
            f"| class | labels | producer's accuracy | user's accuracy | area, {unit} |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for row in self.classes:
            area = self.area_text(row.name)
            lines.append(f"| {cell(row.name)} | {row.labels} | {row.producers} | {row.users} | {area} |")
        lines.append("\nIn parentheses: 90 % intervals of the accuracies, by whole groups.")
        if self.sample:
            lines.append("\nAreas: stratified estimates with 95 % intervals (Olofsson et al. 2014).")
        else:
            lines.append(
                "\nAreas are counts of the map. The labels were not drawn at random over the map, so that no interval "
                "can be given and the counts may be biased."
            )
        lines += ["", "| tried | held-out accuracy | seconds |", "| --- | ---: | ---: |"]
        lines += [
            f"| {cell(one['name'])} | {100 * one['accuracy']:.1f} % | {one['seconds']:.1f} |" for one in self.candidates
        ]
        lines += self._doubt_lines()
        for title, items in (("Decisions", self.decisions), ("Warnings", self.warnings)):
            if items:
                lines += ["", f"## {title}", "", *(f"- {cell(item)}" for item in items)]
        lines += ["", "## Facts", "", *(f"- {name}: {cell(text)}" for name, text in self.known())]
        return "\n".join(lines) + "\n"

    def known(self) -> list[tuple[str, str]]:
        """Names and texts of the facts."""
        return [
            (name, ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value))
            for name, value in self.facts.items()
        ]

    def _method(self) -> str:
        """What classified the pixels, and what it learnt from."""
        labels = sum(row.labels for row in self.classes)
        learnt = f"all {labels} labelled pixels"
        if labels > MOST_LEARNT:
            learnt = f"the labelled pixels, {labels}, of which each classifier draws some, every class alike"
        return f"Pixels were classified by {combination(self.weights)}, trained on {learnt}."

    def _doubt_lines(self) -> list[str]:
        """Where the map is in doubt, and where to label next."""
        lines: list[str] = []
        if self.doubtful:
            lines += [
                "",
                "## Doubtful regions",
                "",
                "| rows | columns | mean doubt | middle |",
                "| --- | --- | ---: | --- |",
            ]
            for one in self.doubtful:
                (top, bottom), (left, right) = one["rows"], one["columns"]
                lines.append(f"| {top} to {bottom} | {left} to {right} | {one['doubt']:.2f} | {place(one)} |")
        if self.next_labels:
            lines += [
                "",
                "## Where to label next",
                "",
                "| row | column | doubt | place |",
                "| ---: | ---: | ---: | --- |",
            ]
            lines += [
                f"| {one['row']} | {one['column']} | {one['doubt']:.2f} | {place(one)} |" for one in self.next_labels
            ]
        return lines

    def save(self, path: str | Path, picture: str | None = None) -> None:
        """Write it: JSON, Markdown, or one HTML page, by the file's suffix.

        Args:
            path: ``.json``, ``.md`` or ``.html``.
            picture: Data URI of a picture of the map, for the page.

        Raises:
            DataError: If the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".json":
            text = self.to_json()
        elif path.suffix == ".html":
            from .page import render_page

            text = render_page(self, picture)
        else:
            text = self.to_markdown()
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def check_page(path: Path) -> None:
    """Check that the page of a report, whose name nobody has given, takes the place of none but an earlier one.

    Args:
        path: Where it is to be written.

    Raises:
        DataError: If something else is there.
    """
    if path.is_file() and _PAGE_SAYS not in path.read_bytes():
        raise DataError(f"{path}: is there, and no report of mmhsi classify; move it, or name another by --report")


def place(one: Mapping[str, Any]) -> str:
    """Map coordinates of something in words, empty where there are none.

    Args:
        one: With ``x`` and ``y``.
    """
    return "" if one["x"] is None else f"{one['x']:.6g}, {one['y']:.7g}"


def _finite(value: Any) -> Any:
    """Plain data with None in place of what is not a number."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
