"""What docs/classify.md says beside the recorded runs is what was recorded."""

import json

import classify_splits
import pytest
from classify_splits import CASES, DOCS, RECORD, SPLITS, table
from experiments.record import known
from scripts import command_line

from mmhsi.errors import ConfigError

PROTOCOLS = {"fewshot20": "20-per-class", "fewshot5": "5-per-class", "disjoint20": "disjoint"}


def test_the_page_has_the_recorded_runs():
    block = DOCS.read_text(encoding="utf-8").partition(f"<!-- {SPLITS} -->\n")[2]
    assert block.partition(f"\n<!-- /{SPLITS} -->")[0] == table(json.loads(RECORD.read_text()))


def test_a_record_that_lacks_runs_leaves_the_page_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "page.md").write_text(DOCS.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(classify_splits, "DOCS", tmp_path / "page.md")
    runs = json.loads(RECORD.read_text())
    (tmp_path / "runs.json").write_text(json.dumps({key: run for key, run in runs.items() if key != "salinas-5 3"}))
    words = ["classify_splits", "--no-run", "--record", tmp_path / "runs.json", "--write"]
    with command_line(*words), pytest.raises(ConfigError, match="lacks 1 runs, the first salinas-5 3; the page keeps"):
        classify_splits.main()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.protocol in PROTOCOLS])
def test_the_best_single_model_is_that_of_the_results(name):
    """The best of as many seeds; the mean of five classifiers is no single one."""
    case = CASES[name]
    data = f"{case.scene.replace('_', '-')}{'-rgb' * case.second}_{PROTOCOLS[case.protocol]}"
    found = [
        entry["metrics"]["OA"]
        for entry in known()
        if entry.get("dataset") == data
        and entry.get("runs", 0) >= case.seeds
        and "OA" in entry["metrics"]
        and entry["config"] != "configs/classical/mean.py"
    ]
    assert round(max(found), 1) == case.best
