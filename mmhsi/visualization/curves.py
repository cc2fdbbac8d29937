"""Curves of training: a logged value by epoch, of several runs that are repetitions of one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file
from mmhsi.io.json_file import is_number

from .png import save_figure
from .style import INK, SMALL, chart_axes, new_figure

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.figure import Figure

MOST_POINTS = 1000

Curve = npt.NDArray[np.float64]


def read_curve(work_dir: str | os.PathLike[str], key: str) -> Curve:
    """Read a value that a run logged, averaged over the steps of each epoch; what a resumed run did again counts once.

    Args:
        work_dir: Folder of the run, with mmengine's ``<time>/vis_data/scalars.json``.
        key: Name of the value, e.g. ``'loss'``.

    Returns:
        (epoch, value) pairs by epoch, shape (n, 2).

    Raises:
        DataError: If the run logged no such value, or a line cannot be read.
    """
    by_step = {
        entry["step"]: (entry["epoch"], entry[key])
        for entry in _records(work_dir)
        if is_logged(entry.get(key)) and "epoch" in entry
    }
    if not by_step:
        raise DataError(f"{work_dir}: the run logged no {key!r}")
    epochs, values = np.array(list(by_step.values()), dtype=np.float64).T
    distinct, index = np.unique(epochs, return_inverse=True)
    return np.stack([distinct, np.bincount(index, weights=values) / np.bincount(index)], axis=1)


def read_scalars(work_dir: str | os.PathLike[str]) -> dict[str, tuple[str, Curve]]:
    """Read every value that a run logged, step by step; what a resumed run did again counts once.

    Args:
        work_dir: Folder of the run, with mmengine's ``<time>/vis_data/scalars.json``.

    Returns:
        By name: what the steps are (``'iteration'`` or ``'epoch'``), and (step, value) pairs, shape (n, 2).

    Raises:
        DataError: If a line cannot be read.
    """
    values: dict[str, dict[float, float]] = {}
    by_epoch, by_iteration = False, set()
    for entry in _records(work_dir):
        by_epoch |= "epoch" in entry
        for key in entry.keys() - {"step", "epoch", "iter"}:
            if is_logged(entry[key]):
                values.setdefault(key, {})[entry["step"]] = entry[key]
                if "iter" in entry:
                    by_iteration.add(key)
    return {
        key: (
            "iteration" if key in by_iteration or not by_epoch else "epoch",
            np.array(sorted(steps.items()), dtype=np.float64),
        )
        for key, steps in sorted(values.items())
    }


def is_logged(value: object) -> bool:
    """Whether a logged value is one of a curve: a number, NaN and infinity included."""
    return isinstance(value, float) or is_number(value)


def _records(work_dir: str | os.PathLike[str]) -> Iterator[dict]:
    """Every line that a run logged, in the order of its files; a last one that is torn is left out."""
    for path in sorted(Path(work_dir).glob("*/vis_data/scalars.json")):
        lines = existing_file(path).read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if not all(is_number(entry.get(key, 0)) for key in ("epoch", "iter")) or not is_number(entry["step"]):
                    raise ValueError("step, epoch or iter is no number")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                if number == len(lines):  # of a run that was ended while it wrote
                    break
                raise DataError(f"{path}: line {number} is no record of a step ({error})") from error
            yield entry


def curve_figure(curve: Curve, unit: str, label: str) -> Figure:
    """Draw one value by step.

    Args:
        curve: (step, value), (n, 2); of more than 1000 points evenly spread ones are drawn.
        unit: What the steps are.
        label: What the value is.
    """
    drawn = curve[np.unique(np.linspace(0, len(curve) - 1, min(len(curve), MOST_POINTS)).astype(int))]
    figure = new_figure(5.4, 2.8)
    axis = figure.subplots()
    axis.plot(drawn[:, 0], drawn[:, 1], lw=1.6, color="#0072b2", marker="o" if len(drawn) == 1 else "")
    chart_axes(axis, unit, label)
    axis.locator_params(axis="x", integer=True)
    return figure


def save_curves(path: str | os.PathLike[str], runs: Mapping[str, Sequence[Curve]], label: str) -> None:
    """Draw the mean over repetitions as a line and their range as a band, over the epochs that all of them have.

    Args:
        path: PNG.
        runs: Curves (epoch, value), each (n, 2), of the repetitions, by name.
        label: What the values are.

    Raises:
        DataError: If there is nothing to draw.
    """
    if not runs or not all(runs.values()):
        raise DataError("save_curves: no curves given")
    figure = new_figure(6.5, 4)
    axis = figure.subplots()
    for name, curves in runs.items():
        length = min(map(len, curves))
        values = np.stack([curve[:length, 1] for curve in curves])
        (line,) = axis.plot(curves[0][:length, 0], values.mean(axis=0), lw=1.8, label=f"{name} (n = {len(curves)})")
        axis.fill_between(
            curves[0][:length, 0], values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2, lw=0
        )
    chart_axes(axis, "epoch", label, "mean over the seeds, and their range")
    axis.locator_params(axis="x", integer=True)
    axis.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
    save_figure(path, figure)
