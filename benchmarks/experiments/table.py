"""Tables of experiments: chains of training runs that rows share."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from mmengine.config import Config

from mmhsi.arguments import nearest
from mmhsi.config_files import DATASET, chosen_dataset, load_config
from mmhsi.engine.resume import newest_checkpoint
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import file_digest, write_json
from mmhsi.io.json_file import is_number, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
TABLES = ROOT / "benchmarks/tables"
"""Folder of the table files, and of their figures by seed."""
FINISHED = "finished.json"
"""Note in the folder of a step that is finished."""

_environment = threading.Lock()
"""Held while a config is read, which changes this process's variables for that time."""


@dataclass(frozen=True)
class Step:
    """One training run, or one command that writes metrics.

    Attributes:
        folder: Where it is run; named after what it is, so that equal steps of several rows are one.
        config: Config file, or the command's first word.
        dataset: Data of a config that is written for several; None for that which it has or its default.
        options: ``--cfg-options`` by key.
        seed: Of the run and its splits.
        command: Words of a command that writes its metrics to ``{out}``, in place of a training run.
        previous: The step whose checkpoint this one starts from.
    """

    folder: Path
    config: str
    dataset: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    seed: int = 0
    command: tuple[str, ...] = ()
    previous: Step | None = None


@functools.cache
def read_config(path: str, dataset: str | None = None) -> Config:
    """One of the repository's configs, read once a process; where the data lie is no part of it.

    Args:
        path: Relative to the repository.
        dataset: Data of a config that is written for several.

    Raises:
        ConfigError: If it has no such data.
    """
    with _environment:
        kept = {name: value for name, value in os.environ.items() if name not in (DATASET, "MMHSI_DATA")}
        with mock.patch.dict(os.environ, kept if dataset is None else {**kept, DATASET: dataset}, clear=True):
            return load_config(ROOT / path)


@functools.cache
def config_text(path: str, dataset: str | None = None) -> str:
    """What a config says, formatted once a process: a tenth of a second, and a table has hundreds of runs.

    Args:
        path: As for :func:`read_config`.
        dataset: Likewise.
    """
    return read_config(path, dataset).pretty_text


def step_name(path: str, dataset: str | None = None) -> str:
    """Name of a config's runs, as of its work dir.

    Args:
        path: The config, relative to the repository.
        dataset: Data of a config that is written for several. Default: its default.
    """
    default = chosen_dataset(read_config(path, dataset))
    return Path(path).stem + (f"_{dataset or default}" if default else "")


def make_chain(steps: list[dict], seed: int, work_dir: Path) -> Step:
    """Make the steps of one cell and seed.

    Args:
        steps: Dicts with ``config`` and optionally ``dataset``, ``options`` (``'{checkpoint}'`` in a value stands for
            the previous step's last checkpoint) and ``seeded`` (False: run with seed 0 for all seeds, as one
            pretraining that all share); or with ``command``, a list of words in which ``{seed}``, ``{out}`` and
            ``{checkpoint}`` are filled in.
        seed: The cell's.
        work_dir: Folder of all runs.

    Returns:
        The last step, which knows its predecessors.

    Raises:
        ConfigError: If a step has keys of another name, or neither ``config`` nor ``command``.
    """
    previous: Step | None = None
    for given in steps:
        unknown = set(given) - {"config", "dataset", "options", "seeded", "command"}
        if unknown or ("config" in given) == ("command" in given):
            raise ConfigError(
                f"a step of the table has {', '.join(sorted(given))}; expected config (dataset, options, seeded) or "
                "command"
            )
        used = seed if given.get("seeded", True) else 0
        before = str(previous.folder.name) if previous else ""
        if "command" in given:
            command = tuple(str(word).replace("{seed}", str(used)) for word in given["command"])
            identity, name = json.dumps([command, used, before]), Path(command[0]).stem
        else:
            command = ()
            text = config_text(given["config"], given.get("dataset"))
            options = {key: str(value) for key, value in given.get("options", {}).items()}
            identity = json.dumps([text, options, used, before], sort_keys=True)
            name = step_name(given["config"], given.get("dataset"))
        folder = work_dir / f"{name}_seed{used}_{hashlib.sha256(identity.encode()).hexdigest()[:10]}"
        settings = (given.get("config", ""), given.get("dataset"), dict(given.get("options", {})))
        previous = Step(folder, *settings, used, command, previous)
    if previous is None:
        raise ConfigError("a cell of the table has no steps")
    return previous


@dataclass(frozen=True)
class ExperimentTable:
    """What a table file says.

    Attributes:
        title: Heading.
        protocol: Sentence on data, splits, budget.
        metrics: Keys of the metrics; each has a table.
        seeds: Repetitions.
        more_seeds: Repetitions of single columns in place of ``seeds``.
        rows: Cells by column, each a list of steps, by the row's name.
        paper: The paper's figures, one a metric, by column, by the row's name; only where the data is the paper's.
        reference: The row that all others are compared with, seed by seed.
        beside: Rows of other tables that all rows are compared with, too, on the same data and seeds; by the name of
            the table file.
        page: The page that shows the table, relative to the repository, between ``<!-- NAME: begin -->`` and
            ``<!-- NAME: end -->``, NAME being the table file's.
    """

    title: str
    protocol: str
    metrics: tuple[str, ...]
    seeds: tuple[int, ...]
    more_seeds: dict[str, tuple[int, ...]]
    rows: dict[str, dict[str, list[dict]]]
    paper: dict[str, dict[str, tuple[float | None, ...]]]
    reference: str | None = None
    page: str | None = None
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def from_file(path: str | Path) -> ExperimentTable:
        """Read a table file, a Python file with the attributes' names at its top level; the last four may be missing.

        ``metric`` is a name or several, and a figure of ``paper`` likewise one or as many, None where there is none.

        Raises:
            ConfigError: If something is missing or a row has no cells.
        """
        cfg = Config.fromfile(path, use_environment_variables=False)
        missing = {"title", "protocol", "metric", "seeds", "rows"} - set(cfg)
        if missing:
            raise ConfigError(f"{path}: lacks {', '.join(sorted(missing))}")
        written = cfg._cfg_dict.to_dict()
        rows = written["rows"]
        if not rows or not all(rows.values()):
            raise ConfigError(f"{path}: a row without cells")
        more_seeds = {column: tuple(seeds) for column, seeds in written.get("more_seeds", {}).items()}
        unknown = set(more_seeds) - {column for cells in rows.values() for column in cells}
        if unknown:
            raise ConfigError(f"{path}: more_seeds names {', '.join(sorted(unknown))}, which is no column")
        metrics = (cfg.metric,) if isinstance(cfg.metric, str) else tuple(cfg.metric)
        paper = {
            row: {name: figure if isinstance(figure, tuple) else (figure,) for name, figure in cells.items()}
            for row, cells in written.get("paper", {}).items()
        }
        uneven = [row for row, cells in paper.items() if any(len(figure) != len(metrics) for figure in cells.values())]
        if uneven:
            raise ConfigError(f"{path}: paper has figures of {uneven[0]} that are not one a metric ({len(metrics)})")
        reference = cfg.get("reference")
        if reference is not None and reference not in rows:
            raise ConfigError(f"{path}: reference is {reference!r}, which is no row{nearest(reference, rows)}")
        seeds, beside = tuple(cfg.seeds), written.get("beside", {})
        optional = (paper, reference, cfg.get("page"), beside)
        return ExperimentTable(cfg.title, cfg.protocol, metrics, seeds, more_seeds, rows, *optional)

    @property
    def columns(self) -> list[str]:
        """Names of the columns in the order of their first appearance."""
        return list(dict.fromkeys(column for cells in self.rows.values() for column in cells))

    def column_seeds(self, column: str) -> tuple[int, ...]:
        """Repetitions of a column."""
        return self.more_seeds.get(column, self.seeds)

    def runs(self, seeds: tuple[int, ...] | None, work_dir: Path) -> Iterator[tuple[str, str, int, Step]]:
        """Give (row, column, seed, last step) of every run, seed by seed, so that what is stopped early is balanced.

        Args:
            seeds: Repetitions. None: the table's, of every column its own.
            work_dir: Folder of all runs.
        """
        wanted = {column: seeds or self.column_seeds(column) for column in self.columns}
        for seed in sorted({seed for chosen in wanted.values() for seed in chosen}):
            for row, cells in self.rows.items():
                for column, steps in cells.items():
                    if seed in wanted[column]:
                        yield row, column, seed, make_chain(steps, seed, work_dir)


def last_checkpoint(folder: Path) -> str:
    """Path of the last checkpoint of a finished run.

    Raises:
        DataError: There is none that can be read.
    """
    found = newest_checkpoint(folder)
    if found is None:
        raise DataError(f"{folder}: has no checkpoint, expected that of a finished run")
    return str(found[0])


def state(step: Step) -> str:
    """``'done'``, ``'begun'`` or ``'open'``."""
    if (step.folder / FINISHED).is_file():
        return "done"
    return "begun" if step.folder.is_dir() else "open"


def read_metrics(step: Step) -> dict[str, float]:
    """Metrics by name.

    ``tools/train.py --report`` wrote them, ``spectral_baselines.py`` of one model and seed, or
    ``probe_features.py`` of one method.

    Raises:
        DataError: If the report is missing, damaged or of something else.
    """
    path = step.folder / "report.json"
    report: Any = read_json(path, "a report of a finished step")
    try:
        if "methods" in report:
            metrics = next(iter(report["methods"].values()))
        else:
            metrics = report["metrics"] if "metrics" in report else report["rows"][0]["runs"][0]["metrics"]
        if not all(value is None or is_number(value) for value in metrics.values()):
            raise ValueError("a metric is no number")
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DataError(f"{path}: not a report of a finished step ({error!r})") from error
    return metrics


def read_metric(step: Step, name: str) -> float:
    """One metric of :func:`read_metrics`; NaN where it could not be measured.

    Raises:
        DataError: If the report has no such metric.
    """
    metrics = read_metrics(step)
    if name not in metrics:
        raise DataError(f"{step.folder / 'report.json'}: has no metric {name!r}{nearest(name, metrics)}")
    return math.nan if metrics[name] is None else metrics[name]


def chain_seconds(step: Step | None) -> float:
    """Seconds that a finished step and its predecessors took.

    Args:
        step: Last of a chain; None gives 0.
    """
    return 0.0 if step is None else read_finished(step.folder)["seconds"] + chain_seconds(step.previous)


def write_finished(folder: Path, seconds: float) -> None:
    """Note that a step is finished, and with which report.

    Args:
        folder: The step's.
        seconds: That it took.
    """
    report = folder / "report.json"
    write_json(folder / FINISHED, {"seconds": seconds, **({"report": file_digest(report)} if report.exists() else {})})


def read_finished(folder: Path) -> dict[str, Any]:
    """What :func:`write_finished` noted.

    Args:
        folder: A finished step's.

    Raises:
        DataError: It is something else, or the folder's report is another one since.
    """
    path, report = folder / FINISHED, folder / "report.json"
    found = read_json(path, "what a finished step left")
    if not isinstance(found, dict) or not is_number(found.get("seconds")):
        raise DataError(f"{path}: not what a finished step left (no seconds)")
    if "report" in found and not (report.is_file() and file_digest(report) == found["report"]):
        raise DataError(f"{report}: is not the one that the step ended with; remove {path}, to run it again")
    return found
