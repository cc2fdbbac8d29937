"""A table of methods by data set and protocol, to which others add rows."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mmhsi.arguments import nearest
from mmhsi.errors import DataError
from mmhsi.io.files import write_json
from mmhsi.io.json_file import is_number, read_json
from mmhsi.packaged import CONFIGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

_Seed = TypeVar("_Seed", int, str)

METRICS = ("OA", "AA", "Kappa", "mIoU")
SPLITS = {"20-per-class": 5, "5-per-class": 5, "disjoint": 8}
"""Fixed splits of a protocol, seeds from 0 on, by the end of a data set's name."""


@dataclass(frozen=True)
class Entry:
    """A method's figures on one data set.

    Attributes:
        dataset: Name of the data and protocol, as of ``configs/_base_/datasets``.
        method: Name, one line.
        sees: What it is given, such as ``HSI``, ``HSI + RGB``, ``HSI, pretrained on …``.
        source: Config, paper or address of the code.
        by_seed: Metrics in per cent of every seed that :func:`lacking_seeds` asks for.

    Raises:
        DataError: If one of them is something else.
    """

    dataset: str
    method: str
    sees: str
    source: str
    by_seed: dict[str, dict[str, float]]

    def __post_init__(self) -> None:
        for name in ("dataset", "method", "sees", "source"):
            value = getattr(self, name)
            plain = isinstance(value, str) and value and value == value.strip() and value.isprintable()
            if not plain or "|" in value:
                raise DataError(f"{name}={value!r}: expected a line of text without '|' or blanks around it")
        names = [path.stem for path in (CONFIGS / "_base_/datasets").glob("*.py")]
        if self.dataset not in names:
            raise DataError(f"dataset={self.dataset!r}: no such data{nearest(self.dataset, names)}")
        wrong = wrong_figures(self.by_seed, METRICS) or lacking_seeds(self.dataset, map(int, self.by_seed))
        if wrong:
            raise DataError(f"{self.method} on {self.dataset}: {wrong}")

    @property
    def name(self) -> tuple[str, str]:
        """What no two rows of a board share: data and method, small and capital letters and blanks being the same."""
        return self.dataset, " ".join(self.method.casefold().split())


def lacking_seeds(dataset: str, seeds: Iterable[int]) -> str | None:
    """Say which seeds a row lacks, and which it has without need.

    Args:
        dataset: Name of the data and protocol. Where it has fixed splits (:data:`SPLITS`), a row has all of them; of
            other data seeds from 0 on, as many as there are.
        seeds: Those of the row.

    Returns:
        One line; None where the seeds are those of the protocol.
    """
    given = set(seeds)
    expected = set(range(SPLITS.get(dataset.rpartition("_")[2], len(given))))
    parts = {"lacks": expected - given, "has": given - expected}
    said = [f"{verb} seed {', '.join(map(str, sorted(some)))}" for verb, some in parts.items() if some]
    return f"{' and '.join(said)}; a row has seeds 0 to {max(expected)}, all of them" if said else None


def wrong_figures(by_seed: object, needed: Sequence[str], known: Sequence[str] = ()) -> str | None:
    """Say what is wrong with figures by seed, as a file has them.

    Args:
        by_seed: Figures by name, by seed; seeds are texts such as ``'0'``.
        needed: Names that every seed has.
        known: All that it may have. Default: the same.

    Returns:
        One line; None where nothing is.
    """
    if not isinstance(by_seed, dict) or not by_seed:
        return "has no figures by seed"
    for seed, figures in by_seed.items():
        if not isinstance(seed, str) or not re.fullmatch("0|[1-9][0-9]{0,9}", seed):
            return f"seed {seed!r}, expected a whole number such as '0' or '12'"
        if not isinstance(figures, dict) or not set(needed) <= set(figures) <= set(known or needed):
            return f"seed {seed}: expected {', '.join(known or needed)}, and nothing else"
        for name, value in figures.items():
            if wrong := wrong_figure(name, value):
                return f"seed {seed}: {wrong}"
    return None


def wrong_figure(name: str, value: object) -> str | None:
    """Say what is wrong with a figure: no number, or one of :data:`METRICS` that is no figure in per cent.

    Args:
        name: The metric's.
        value: The figure.
    """
    least = -100 if name == "Kappa" else 0
    if not is_number(value) or (name in METRICS and not least <= value <= 100):
        return f"{name} is {value!r}, expected {f'per cent, {least} to 100' if name in METRICS else 'a number'}"
    return None


def read_board(path: str | PathLike[str]) -> list[Entry]:
    """Read a board.

    Returns:
        Its rows.

    Raises:
        DataError: If it is damaged, a row is no row, or two are of one name.
    """
    rows: Any = read_json(path, "a leaderboard")
    if not isinstance(rows, list):
        raise DataError(f"{path}: holds a {type(rows).__name__}, expected a list of rows")
    names, found = [field.name for field in fields(Entry)], {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != set(names):
            raise DataError(f"{path}: row {number} has not exactly {', '.join(names)}")
        try:
            entry = Entry(**row)
        except DataError as error:
            raise DataError(f"{path}: row {number}: {error}") from error
        if entry.name in found:
            raise DataError(f"{path}: row {number}: {entry.method} on {entry.dataset} has a row already")
        found[entry.name] = entry
    return list(found.values())


def add_row(path: str | PathLike[str], entry: Entry, replace: bool = False) -> None:
    """Add a row.

    Args:
        path: The board; made if missing.
        entry: The row.
        replace: Whether it takes the place of the row of its name and source. Default False: there is none yet.

    Raises:
        DataError: If there is a row of its name and none may be replaced, or one of another source.
    """
    rows = {row.name: row for row in (read_board(path) if Path(path).exists() else [])}
    before = rows.get(entry.name)
    if before is not None:
        there = f"{path}: has a row {before.method} on {entry.dataset}"
        if before.source != entry.source:
            raise DataError(f"{there} of another source, {before.source}; give this one another name")
        if not replace:
            raise DataError(f"{there} already; --replace puts this one in its place")
    rows[entry.name] = entry
    write_json(path, [asdict(row) for row in sorted(rows.values(), key=lambda row: (row.dataset, row.method))])


def paired(figures: Mapping[_Seed, float], others: Mapping[_Seed, float]) -> str:
    """Compare two methods on the seeds that both have.

    Args:
        figures: A metric by seed.
        others: The same of the other method.

    Returns:
        Mean difference, its standard error, and wins out of n, such as ``'+0.4 ± 0.2 (4 of 5)'``; empty where no seed
        is shared.
    """
    seeds = sorted(set(figures) & set(others))
    gains = [figures[seed] - others[seed] for seed in seeds]
    if not gains:
        return ""
    error = f" ± {statistics.stdev(gains) / math.sqrt(len(gains)):.1f}" if len(gains) > 1 else ""
    return f"{statistics.fmean(gains):+.1f}{error} ({sum(gain > 0 for gain in gains)} of {len(gains)})"


def tabulate_board(rows: Sequence[Entry], reference: str) -> str:
    """Write a Markdown table a data set, best mean OA first.

    Args:
        rows: Of the board.
        reference: Method beside which all others are set in pairs.
    """
    lines: list[str] = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        here.sort(key=lambda row: -statistics.fmean(run["OA"] for run in row.by_seed.values()))
        others = next((_metric(row, "OA") for row in here if row.method == reference), {})
        lines += [f"### `{dataset}`", "", f"| method | sees | OA | AA | Kappa | mIoU | n | OA beside {reference} |"]
        lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for row in here:
            cells = [f"{row.method} ({row.source})", row.sees, *(_spread(row, metric) for metric in METRICS)]
            cells += [str(len(row.by_seed)), "" if row.method == reference else paired(_metric(row, "OA"), others)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _metric(row: Entry, name: str) -> dict[str, float]:
    return {seed: figures[name] for seed, figures in row.by_seed.items()}


def _spread(row: Entry, metric: str) -> str:
    values = list(_metric(row, metric).values())
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{spread}"
