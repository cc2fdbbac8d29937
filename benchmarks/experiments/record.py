"""What is known of every config: what tables measured and papers give, and earlier figures without seeds."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from mmhsi.io.files import write_whole

from .figures import SECONDS, read_figures
from .index_files import read_results
from .table import ROOT, TABLES, ExperimentTable, read_config, step_name

RESULTS = ROOT / "benchmarks/results.json"
"""What no table has: earlier figures, and parameters that papers count."""
MEASURED = ("metrics", "spread", "runs")
"""What of an entry was measured here."""
Entries = dict[tuple[str, str | None], dict[str, Any]]
"""As of :func:`read_results`, by config and data."""


def of_config_itself(steps: list[dict]) -> bool:
    """Whether a cell is what its config says: no option but the weights that it starts from, and these its own."""
    *before, last = steps
    values = [value for step in steps for value in step.get("options", {}).values()]
    if "command" in last or any(value != "{checkpoint}" for value in values):
        return False
    if not before:
        return not values
    init = read_config(last["config"], last.get("dataset")).model.backbone.get("init_cfg") or {}
    source = before[-1]
    named = Path(init.get("checkpoint", "")).parent.name
    return "config" in source and named == step_name(source["config"], source.get("dataset"))


def of_tables(folder: Path = TABLES) -> Entries:
    """Mean and sample standard deviation of what tables measured of configs themselves, and the papers' figures.

    Of tables that measured the same, the one with more seeds counts.
    """
    found: Entries = {}
    for path in sorted(folder.glob("*.py")):
        table = ExperimentTable.from_file(path)
        figures = read_figures(path.with_suffix(".json"), table)
        for row, cells in table.rows.items():
            for column, steps in cells.items():
                runs = list(figures.get((row, column), {}).values())
                published = table.paper.get(row, {}).get(column, ())
                if not (runs or published) or not of_config_itself(steps):
                    continue
                config, dataset = steps[-1]["config"], steps[-1].get("dataset")
                named = {"config": config} if dataset is None else {"config": config, "dataset": dataset}
                entry = found.setdefault((config, dataset), named)
                if runs and len(runs) > entry.get("runs", 0) and not loses(measured := _summary(runs), entry):
                    entry.update(measured)
                given = {
                    name: value for name, value in zip(table.metrics, published, strict=False) if value is not None
                }
                if given:
                    entry["paper"] = given
    return found


def _summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    names = [name for name in runs[0] if name != SECONDS and all(name in run for run in runs)]
    values = {name: [run[name] for run in runs] for name in names}
    summary = {"metrics": {name: round(statistics.fmean(each), 4) for name, each in values.items()}, "runs": len(runs)}
    if len(runs) > 1:
        summary["spread"] = {name: round(statistics.stdev(each), 4) for name, each in values.items()}
    return summary


def loses(entry: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether an entry in place of another would rest on fewer runs, or lack one of its metrics."""
    fewer = entry.get("runs", 0) < before.get("runs", 0)
    return fewer or bool(set(before.get("metrics", {})) - set(entry.get("metrics", {})))


def without_measured(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without :data:`MEASURED`."""
    return {name: value for name, value in entry.items() if name not in MEASURED}


def known(folder: Path = TABLES, earlier: Path = RESULTS) -> list[dict[str, Any]]:
    """All that is known, sorted by config and data; what tables give goes before earlier figures, unless these lose.

    Args:
        folder: Of the table files.
        earlier: File of what no table has, or of fewer seeds.
    """
    entries = {(entry["config"], entry.get("dataset")): entry for entry in read_results(earlier)}
    for key, entry in of_tables(folder).items():
        before = entries.get(key, {})
        papers = entry.get("paper", {}) | before.get("paper", {})
        if loses(entry, before):
            entry = without_measured(entry)
        else:
            before = without_measured(before)
        entries[key] = before | entry | ({"paper": papers} if papers else {})
    return sorted(entries.values(), key=lambda entry: (entry["config"], entry.get("dataset") or ""))


def forget_earlier(folder: Path = TABLES, earlier: Path = RESULTS) -> None:
    """Take out of the file of earlier figures what a table has by seed, of no fewer seeds."""
    tables = of_tables(folder)
    kept = []
    for entry in read_results(earlier):
        if not loses(tables.get((entry["config"], entry.get("dataset")), {}), entry):
            entry = without_measured(entry)
        if set(entry) - {"config", "dataset"}:
            kept.append(json.dumps(entry, ensure_ascii=False))
    write_whole(earlier, "[\n" + ",\n".join(kept) + "\n]\n")
