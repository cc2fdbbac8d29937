"""A table's figures by row, column and seed: of finished runs, kept beside the table file, written as Markdown."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from mmhsi.errors import DataError
from mmhsi.evaluation.leaderboard import paired
from mmhsi.io.files import write_whole
from mmhsi.io.json_file import is_number, read_json

from .table import ExperimentTable, chain_seconds, read_metric, state

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = "seconds"
"""Of a chain, beside its metrics."""
Figures = dict[tuple[str, str], dict[int, dict[str, float]]]
"""Metrics, and seconds, by seed, by row and column."""


def finished_figures(table: ExperimentTable, seeds: tuple[int, ...] | None, work_dir: Path) -> Figures:
    """Read what the finished runs of a table gave.

    Args:
        table: The table.
        seeds: Repetitions. None: the table's.
        work_dir: Folder of all runs.
    """
    found: Figures = {}
    for row, column, seed, step in table.runs(seeds, work_dir):
        if state(step) == "done":
            metrics = {metric: read_metric(step, metric) for metric in table.metrics}
            found.setdefault((row, column), {})[seed] = {**metrics, SECONDS: round(chain_seconds(step), 1)}
    return found


def read_figures(path: Path, table: ExperimentTable) -> Figures:
    """Read what :func:`write_figures` kept; rows, columns and metrics that the table no longer has are left out.

    Args:
        path: The file. Nothing is kept yet where there is none.
        table: The table.

    Raises:
        DataError: It is no such file.
    """
    if not path.is_file():
        return {}
    kept: Any = read_json(path, "figures of a table")
    found: Figures = {}
    try:
        for row, columns in kept.items():
            for column, runs in columns.items():
                for seed, figures in ((int(seed), figures) for seed, figures in runs.items()):
                    if not all(map(is_number, figures.values())):
                        raise ValueError(f"{row}, {column}, seed {seed}: a figure is no number")
                    if column in table.rows.get(row, {}) and set(figures) == {*table.metrics, SECONDS}:
                        found.setdefault((row, column), {})[seed] = figures
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not figures of a table by row, column and seed ({error})") from error
    return found


def write_figures(path: Path, table: ExperimentTable, figures: Figures) -> None:
    """Keep figures, a line a row and column, in the table's order.

    Args:
        path: The file, JSON.
        table: The table.
        figures: What is kept.
    """
    rows = []
    for row, cells in table.rows.items():
        of_row = {column: figures[row, column] for column in cells if (row, column) in figures}
        lines = [f"  {json.dumps(column)}: {json.dumps(dict(sorted(runs.items())))}" for column, runs in of_row.items()]
        if lines:
            rows.append(f" {json.dumps(row, ensure_ascii=False)}: {{\n" + ",\n".join(lines) + "\n }")
    write_whole(path, "{\n" + ",\n".join(rows) + "\n}\n")


def tabulate(table: ExperimentTable, figures: Figures) -> str:
    """Write Markdown: mean ± sample standard deviation over the seeds, n beside them, a table a metric.

    Where the table has a reference, differences on the same seeds follow: mean ± standard error (wins of n). The
    seconds are of one chain, pretraining included, averaged over all of the row's runs.
    """
    parts = [table.protocol]
    for number, metric in enumerate(table.metrics):
        lines = _head([metric, *table.columns, "s a run"])
        for row, cells in table.rows.items():
            texts = [row]
            for column in table.columns:
                runs = figures.get((row, column), {})
                text = summary([run[metric] for run in runs.values()]) if column in cells else ""
                published = table.paper.get(row, {}).get(column)
                figure = None if published is None else published[number]
                texts.append(text if figure is None else f"{text} (paper: {figure})")
            took = [run[SECONDS] for column in cells for run in figures.get((row, column), {}).values()]
            texts.append(f"{statistics.fmean(took):.0f}" if took else "")
            lines.append(f"| {' | '.join(texts)} |")
        parts.append("\n".join(lines))
    if table.reference is not None:
        parts.append(_differences(table, table.reference, figures))
    return "\n\n".join(parts) + "\n"


def _head(names: list[str]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]


def _differences(table: ExperimentTable, reference: str, figures: Figures) -> str:
    """Rows beside the reference on the same seeds, in the first metric."""
    metric = table.metrics[0]
    columns = [column for column in table.columns if (reference, column) in figures]

    def by_seed(row: str, column: str) -> dict[int, float]:
        return {seed: run[metric] for seed, run in figures.get((row, column), {}).items()}

    lines = _head([f"{metric} less that of {reference}: mean ± standard error (wins)", *columns])
    for row in table.rows:
        texts = [paired(by_seed(row, column), by_seed(reference, column)) for column in columns]
        if row != reference and any(texts):
            lines.append(f"| {row} | {' | '.join(texts)} |")
    return "\n".join(lines)


def summary(values: list[float]) -> str:
    """Mean ± sample standard deviation, and how many; ``'not measured'`` for none."""
    if not values:
        return "not measured"
    if len(values) == 1:
        return f"{values[0]:.1f} (n = 1)"
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f} (n = {len(values)})"
