"""A table's figures by row, column and seed: of finished runs, kept beside the table file, written as Markdown."""

from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING, Any

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError, DataError
from mmhsi.evaluation.leaderboard import paired, wrong_figures
from mmhsi.io.files import write_whole
from mmhsi.io.json_file import read_json

from .table import TABLES, ExperimentTable, chain_seconds, read_metric, state

if TYPE_CHECKING:
    from collections.abc import Iterator
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
            measured = {metric: read_metric(step, metric) for metric in table.metrics}
            metrics = {metric: value for metric, value in measured.items() if not math.isnan(value)}
            found.setdefault((row, column), {})[seed] = {**metrics, SECONDS: round(chain_seconds(step), 1)}
    return found


def read_figures(path: Path, table: ExperimentTable) -> Figures:
    """Read what :func:`write_figures` kept.

    Args:
        path: The file. Nothing is kept yet where there is none.
        table: The table. Metrics that it has and a run has not were not measured.

    Raises:
        DataError: It is no such file, or has a row, column, seed or metric that the table has not: what was measured is
            not lost because a name has changed.
    """
    if not path.is_file():
        return {}
    kept: Any = read_json(path, "figures of a table")
    if not isinstance(kept, dict) or not all(isinstance(columns, dict) for columns in kept.values()):
        raise DataError(f"{path}: not figures of a table by row, column and seed")
    found: Figures = {}
    for row, columns in kept.items():
        for column, runs in columns.items():
            if wrong := _wrong_runs(table, row, column, runs):
                raise DataError(f"{path}: {row}, {column}: {wrong}")
            found[row, column] = {int(seed): figures for seed, figures in runs.items()}
    return found


def _wrong_runs(table: ExperimentTable, row: str, column: str, runs: object) -> str | None:
    """What is wrong with a file's runs of a row and column, None if nothing is."""
    if column not in table.rows.get(row, {}):
        return "the table has no such row and column; give them the table's names, or remove them"
    wrong = wrong_figures(runs, [SECONDS], [SECONDS, *table.metrics])
    if wrong or not isinstance(runs, dict):
        return wrong
    foreign = sorted({int(seed) for seed in runs} - {*table.column_seeds(column)})
    return f"the table has no seed {foreign[0]}" if foreign else None


def write_figures(path: Path, table: ExperimentTable, figures: Figures) -> None:
    """Keep figures, a line a row and column, in the table's order.

    Args:
        path: The file, JSON.
        table: The table.
        figures: What is kept.
    """
    rows = []
    for row, cells in table.rows.items():
        of_row = {column: figures[row, column] for column in cells if figures.get((row, column))}
        lines = [f"  {json.dumps(column)}: {json.dumps(dict(sorted(runs.items())))}" for column, runs in of_row.items()]
        if lines:
            rows.append(f" {json.dumps(row, ensure_ascii=False)}: {{\n" + ",\n".join(lines) + "\n }")
    write_whole(path, "{\n" + ",\n".join(rows) + "\n}\n")


def tabulate(table: ExperimentTable, figures: Figures, folder: Path = TABLES) -> str:
    """Write Markdown: mean ± sample standard deviation over the seeds, n beside them, a table a metric.

    Where the table has a reference, or rows of other tables beside it, differences on the same seeds follow: mean ±
    standard error (wins of n). The seconds are of one chain, pretraining included, averaged over all of the row's runs.

    Args:
        table: The table.
        figures: Its figures.
        folder: Of the other tables.
    """
    parts = [table.protocol]
    for number, metric in enumerate(table.metrics):
        lines = _head([metric, *table.columns, "s a run"])
        for row, cells in table.rows.items():
            texts = [row]
            for column in table.columns:
                runs = figures.get((row, column), {})
                text = summary([run[metric] for run in runs.values() if metric in run]) if column in cells else ""
                published = table.paper.get(row, {}).get(column)
                figure = None if published is None else published[number]
                texts.append(text if figure is None else f"{text} (paper: {figure})")
            took = [run[SECONDS] for column in cells for run in figures.get((row, column), {}).values()]
            texts.append(f"{statistics.fmean(took):.0f}" if took else "")
            lines.append(f"| {' | '.join(texts)} |")
        parts.append("\n".join(lines))
    if table.reference is not None:
        others = {column: _by_seed(table, figures, table.reference, column) for column in table.columns}
        parts.append(_differences(table, table.reference, others, figures))
    parts += [_differences(table, name, others, figures) for name, others in _beside(table, folder)]
    return "\n\n".join(parts) + "\n"


def _head(names: list[str]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]


def _by_seed(table: ExperimentTable, figures: Figures, row: str, column: str) -> dict[int, float]:
    """The first metric of a cell."""
    metric = table.metrics[0]
    return {seed: run[metric] for seed, run in figures.get((row, column), {}).items() if metric in run}


def _beside(table: ExperimentTable, folder: Path) -> Iterator[tuple[str, dict[str, dict[int, float]]]]:
    """The rows of other tables that a table is compared with: their names, and their figures by the table's column.

    Raises:
        ConfigError: A table has no such row, or another first metric, or rows of a column are on different data.
    """
    datasets: dict[str, str | None] = {}
    for cells in table.rows.values() if table.beside else ():
        for column, steps in cells.items():
            data = steps[-1].get("dataset")
            if datasets.setdefault(column, data) != data:
                raise ConfigError(
                    f"beside: {column} has rows on {datasets[column]} and on {data}, expected one of them"
                )
    for stem, rows in table.beside.items():
        path = folder / f"{stem}.py"
        other = ExperimentTable.from_file(path)
        if other.metrics[0] != table.metrics[0]:
            raise ConfigError(f"{path}: its first metric is {other.metrics[0]}, expected {table.metrics[0]}")
        figures = read_figures(path.with_suffix(".json"), other)
        for row in rows:
            if row not in other.rows:
                raise ConfigError(f"beside: {path} has no row {row!r}{nearest(row, other.rows)}")
            cells = other.rows[row]
            known = {steps[-1].get("dataset"): _by_seed(other, figures, row, name) for name, steps in cells.items()}
            if len(known) < len(cells):
                raise ConfigError(f"beside: {path} has {row!r} in several columns on the same data, expected one")
            yield row, {column: known.get(data, {}) if data else {} for column, data in datasets.items()}


def _differences(table: ExperimentTable, name: str, others: dict[str, dict[int, float]], figures: Figures) -> str:
    """Rows beside one that is called so, on the same seeds, in the first metric."""
    columns = [column for column in table.columns if others[column]]
    lines = _head([f"{table.metrics[0]} less that of {name}: mean ± standard error (wins)", *columns])
    for row in table.rows:
        texts = [paired(_by_seed(table, figures, row, column), others[column]) for column in columns]
        if row != name and any(texts):
            lines.append(f"| {row} | {' | '.join(texts)} |")
    return "\n".join(lines)


def summary(values: list[float]) -> str:
    """Mean ± sample standard deviation, and how many; ``'not measured'`` for none."""
    if not values:
        return "not measured"
    if len(values) == 1:
        return f"{values[0]:.1f} (n = 1)"
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f} (n = {len(values)})"
