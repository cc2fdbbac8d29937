"""Every table of benchmarks/tables names configs that exist and options that these have."""

from pathlib import Path

import pytest
from experiments.table import ROOT, ExperimentTable, read_config

TABLES = sorted((ROOT / "benchmarks/tables").glob("*.py"))


def test_there_are_tables():
    assert len(TABLES) >= 4


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_table_can_be_run(path, monkeypatch, tmp_path):
    monkeypatch.setenv("MMHSI_DATA", "data")
    table = ExperimentTable.from_file(path)
    steps = [step for *_, step in table.runs(table.seeds[:1], tmp_path)]
    assert len({step.folder for step in steps}) == len(steps)  # no two cells are one run
    for step in steps:
        if step.command:
            assert all(Path(ROOT / word).is_file() for word in step.command if word.endswith(".py"))
            continue
        cfg = read_config(step.config, step.dataset)
        for key in step.options:
            node = cfg
            for part in key.split(".")[:-1]:  # the last may be an argument with a default
                part = int(part) if isinstance(node, list) else part
                if part == "init_cfg" and "init_cfg" not in node:
                    break  # weights to start from, where the config starts from none
                assert part in (range(len(node)) if isinstance(node, list) else node), f"{step.config} has no {key}"
                node = node[part]
