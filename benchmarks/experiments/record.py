"""Figures of finished tables, by the config that has them: what the model zoo is written from."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from mmhsi.io.files import write_whole

from .index_files import read_results
from .table import ROOT, ExperimentTable, Step, read_config, read_metric, state, step_name

RESULTS = ROOT / "benchmarks/results.json"


def of_config_itself(step: Step) -> bool:
    """Whether a run is what its config says: no other option than the weights that it starts from, and these its own.

    Args:
        step: Last of a chain.
    """
    if not step.config or any(value != "{checkpoint}" for value in step.options.values()):
        return False
    if step.previous is None:
        return not step.options
    init = read_config(step.config, step.dataset).model.backbone.get("init_cfg") or {}
    before = step.previous
    named = Path(init.get("checkpoint", "")).parent.name
    return bool(before.config) and named == step_name(before.config, before.dataset) and unchanged(before)


def unchanged(step: Step | None) -> bool:
    """Whether a step and those before it have no other options than weights to start from.

    Args:
        step: The step.
    """
    return step is None or (
        all(value == "{checkpoint}" for value in step.options.values()) and unchanged(step.previous)
    )


def record(table: ExperimentTable, seeds: tuple[int, ...] | None, work_dir: Path, path: Path = RESULTS) -> int:
    """Put mean and sample standard deviation of every finished cell that is a config's own into the file of results.

    Args:
        table: The table.
        seeds: Repetitions. None: the table's.
        work_dir: Folder of all runs.
        path: The file; other entries, and the papers' figures, stay.

    Returns:
        How many cells.
    """
    values: dict[tuple[str, str | None], list[dict[str, float]]] = {}
    for _, _, _, step in table.runs(seeds, work_dir):
        if state(step) == "done" and of_config_itself(step):
            values.setdefault((step.config, step.dataset), []).append(
                {metric: read_metric(step, metric) for metric in table.metrics}
            )
    entries = {(entry["config"], entry.get("dataset")): entry for entry in read_results(path)}
    for (config, dataset), found in values.items():
        named = {"config": config} if dataset is None else {"config": config, "dataset": dataset}
        entry = entries.setdefault((config, dataset), named)
        figures = {metric: [run[metric] for run in found] for metric in table.metrics}
        means = {metric: round(statistics.fmean(runs), 4) for metric, runs in figures.items()}
        entry.update(metrics=means, runs=len(found))
        entry.pop("spread", None)
        if len(found) > 1:
            entry["spread"] = {metric: round(statistics.stdev(runs), 4) for metric, runs in figures.items()}
    ordered = sorted(entries.values(), key=lambda entry: (entry["config"], entry.get("dataset") or ""))
    write_whole(path, "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in ordered) + "\n]\n")
    return len(values)
