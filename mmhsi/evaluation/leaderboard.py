"""A table of methods by data set and protocol, to which others add rows."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mmhsi.errors import DataError
from mmhsi.io.files import write_json
from mmhsi.io.json_file import is_number, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

_Seed = TypeVar("_Seed", int, str)

METRICS = ("OA", "AA", "Kappa", "mIoU")


@dataclass(frozen=True)
class Entry:
    """A method's figures on one data set.

    Attributes:
        dataset: Name of the data and protocol, as of ``configs/_base_/datasets``.
        method: Name, one line.
        sees: What it is given, such as ``HSI``, ``HSI + RGB``, ``HSI, pretrained on …``.
        source: Config, paper or address of the code.
        by_seed: Metrics in per cent of every seed.
    """

    dataset: str
    method: str
    sees: str
    source: str
    by_seed: dict[str, dict[str, float]]

    def __post_init__(self) -> None:
        for name in ("dataset", "method", "sees", "source"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip() or not value.isprintable() or "|" in value:
                raise DataError(f"{name}={value!r} of a row: expected a line of text without '|'")
        good = isinstance(self.by_seed, dict) and all(
            seed.isdigit() and isinstance(figures, dict) and all(is_number(figures.get(name)) for name in METRICS)
            for seed, figures in self.by_seed.items()
        )
        if not good or not self.by_seed:
            raise DataError(f"{self.method}: by_seed has to give {', '.join(METRICS)} of every seed")


def read_board(path: str | PathLike[str]) -> list[Entry]:
    """Read a board.

    Returns:
        Its rows.

    Raises:
        DataError: If it is damaged or a row is no row.
    """
    rows: Any = read_json(path, "a leaderboard")
    try:
        return [Entry(**row) for row in rows]
    except TypeError as error:
        raise DataError(f"{path}: not a leaderboard ({error})") from error


def add_row(path: str | PathLike[str], entry: Entry) -> None:
    """Add a row, in place of one of the same method on the same data.

    Args:
        path: The board; made if missing.
        entry: The row.
    """
    rows = read_board(path) if Path(path).exists() else []
    rows = [row for row in rows if (row.dataset, row.method) != (entry.dataset, entry.method)] + [entry]
    write_json(path, [asdict(row) for row in sorted(rows, key=lambda row: (row.dataset, row.method))])


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
