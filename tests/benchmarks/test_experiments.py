"""Tables of experiments: what is one run, what is run again, and what the table says."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest
import torch
from experiments import record, runner
from experiments import table as steps
from experiments.figures import finished_figures, read_figures, tabulate, write_figures
from experiments.index_files import read_results
from experiments.record import RESULTS, forget_earlier, known, loses, of_tables
from experiments.runner import ExperimentRunner
from experiments.table import (
    ROOT,
    ExperimentTable,
    chain_seconds,
    config_text,
    make_chain,
    read_config,
    read_metrics,
    state,
)

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATASETS

PRETRAIN = dict(config="configs/mae/mae_hsi-vit-tiny-p3.py", dataset="salinas-a", seeded=False)
FINETUNE = dict(
    config="configs/mae/mae-ft_hsi-vit-tiny-p3.py",
    dataset="salinas-a_20-per-class",
    options={"model.backbone.init_cfg.checkpoint": "{checkpoint}"},
)
SCRATCH = dict(FINETUNE, options={"model.backbone.init_cfg": None})

TABLE = """
title = "Does it help?"
protocol = "Two seeds."
metric = "OA"
seeds = (0, 1)
rows = {"scratch": {"a": [dict(command=["none.py", "{seed}"])], "b": [dict(command=["other.py"])]},
        "pretrained": {"a": [dict(command=["none.py", "--pretrained", "{seed}"])]}}
paper = {"scratch": {"a": 71.15}}
"""


def finish(step, value, seconds=10.0):
    step.folder.mkdir(parents=True)
    (step.folder / "report.json").write_text(json.dumps({"metrics": {"OA": value}}))
    (step.folder / "finished.json").write_text(json.dumps({"seconds": seconds}))


def test_one_pretraining_serves_all_seeds_and_other_options_are_another_run(tmp_path):
    first, second = (make_chain([PRETRAIN, FINETUNE], seed, tmp_path) for seed in (1, 2))
    scratch = make_chain([SCRATCH], 1, tmp_path)
    other = make_chain([dict(PRETRAIN, options={"train_cfg.max_epochs": 3}), FINETUNE], 1, tmp_path)
    assert first.previous.folder == second.previous.folder
    assert len({first.folder, second.folder, scratch.folder, other.folder}) == 4
    assert (first.seed, first.previous.seed) == (1, 0)


def test_moving_the_data_does_not_make_another_run(tmp_path, monkeypatch):
    folders = []
    for place in ("here", "there"):
        monkeypatch.setenv("MMHSI_DATA", place)
        read_config.cache_clear()
        config_text.cache_clear()
        folders.append(make_chain([PRETRAIN], 0, tmp_path).folder)
    assert folders[0] == folders[1]


def test_table(tmp_path):
    (tmp_path / "t.py").write_text(TABLE)
    table = ExperimentTable.from_file(tmp_path / "t.py")
    runs = {(row, column, seed): step for row, column, seed, step in table.runs(table.seeds, tmp_path)}
    assert len(runs) == 6
    finish(runs["scratch", "a", 0], 90.0)
    finish(runs["scratch", "a", 1], 92.0, seconds=20)
    finish(runs["pretrained", "a", 0], 95.0)
    figures = finished_figures(table, None, tmp_path)
    rows = [line for line in tabulate(table, figures).splitlines() if line.startswith("|")]
    assert rows == [
        "| OA | a | b | s a run |",
        "| --- | --- | --- | --- |",
        "| scratch | 91.0 ± 1.4 (n = 2) (paper: 71.15) | not measured | 15 |",
        "| pretrained | 95.0 (n = 1) |  | 10 |",
    ]
    assert [state(runs["pretrained", "a", seed]) for seed in (0, 1)] == ["done", "open"]
    write_figures(tmp_path / "t.json", table, figures)
    assert read_figures(tmp_path / "t.json", table) == figures
    assert read_figures(tmp_path / "none.json", table) == {}


def test_rows_are_compared_with_the_reference_seed_by_seed(tmp_path):
    (tmp_path / "t.py").write_text(TABLE + 'reference = "scratch"\n')
    table = ExperimentTable.from_file(tmp_path / "t.py")
    gains = [(90.0, 95.0), (92.0, 91.0), (94.0, None)]
    figures = {("scratch", "a"): {seed: {"OA": one, "seconds": 1.0} for seed, (one, _) in enumerate(gains)}}
    figures["pretrained", "a"] = {seed: {"OA": gains[seed][1], "seconds": 1.0} for seed in (0, 1)}
    # (5 - 1) / 2 ± (6 / sqrt 2) / sqrt 2
    assert "| pretrained | +2.0 ± 3.0 (1 of 2) |" in tabulate(table, figures)
    (tmp_path / "t.py").write_text(TABLE + 'reference = "scretch"\n')
    with pytest.raises(ConfigError, match="'scretch', which is no row; nearest: 'scratch'"):
        ExperimentTable.from_file(tmp_path / "t.py")


def test_rows_are_compared_with_rows_of_other_tables_on_the_same_data(tmp_path):
    config = dict(config="configs/classical/lda.py")
    cells = {name: [dict(config, dataset=f"salinas-a_{name}")] for name in ("5-per-class", "disjoint")}
    same = dict(title="T", protocol="P", metric="OA", seeds=(0, 1))
    simple = same | dict(rows={"trees": {f"data {name}": cell for name, cell in cells.items()}})
    own = same | dict(rows={"net": cells, "other": cells}, reference="other", beside={"simple": ("trees",)})

    def write(**tables):
        for name, entries in tables.items():
            (tmp_path / f"{name}.py").write_text("".join(f"{key} = {value!r}\n" for key, value in entries.items()))
        return ExperimentTable.from_file(tmp_path / "own.py")

    table = write(simple=simple, own=own)
    trees = {"data disjoint": {"0": {"OA": 90.0, "seconds": 1.0}, "1": {"OA": 80.0, "seconds": 1.0}}}
    (tmp_path / "simple.json").write_text(json.dumps({"trees": trees}))
    figures = {(row, "disjoint"): {0: {"OA": 95.0}, 1: {"OA": 83.0}, 2: {"OA": 1.0}} for row in ("net", "other")}
    for runs in figures.values():
        for run in runs.values():
            run["seconds"] = 1.0
    text = tabulate(table, figures, tmp_path)
    # (5 + 3) / 2 ± (2 / sqrt 2) / sqrt 2, in one column alone
    assert text.endswith(
        "| OA less that of trees: mean ± standard error (wins) | disjoint |\n| --- | --- |\n"
        "| net | +4.0 ± 1.0 (2 of 2) |\n| other | +4.0 ± 1.0 (2 of 2) |\n"
    )
    with pytest.raises(ConfigError, match=r"simple\.py has no row 'tree'; nearest: 'trees'"):
        tabulate(write(own=own | dict(beside={"simple": ("tree",)})), figures, tmp_path)
    with pytest.raises(ConfigError, match=r"simple\.py: its first metric is AA, expected OA"):
        tabulate(write(own=own, simple=simple | dict(metric="AA")), figures, tmp_path)
    mixed = own | dict(rows={"net": cells, "other": {"disjoint": cells["5-per-class"]}})
    with pytest.raises(ConfigError, match="beside: disjoint has rows on salinas-a_disjoint and on salinas-a_5-per-cla"):
        tabulate(write(own=mixed, simple=simple), figures, tmp_path)
    twice = dict(simple["rows"]["trees"], again=cells["disjoint"])
    with pytest.raises(ConfigError, match=r"simple\.py has 'trees' in several columns on the same data"):
        tabulate(write(own=own, simple=simple | dict(rows={"trees": twice})), figures, tmp_path)


def test_a_metric_that_was_added_later_or_could_not_be_measured_takes_nothing_away(tmp_path):
    (tmp_path / "t.py").write_text(TABLE.replace('"OA"', '("OA", "AA")').replace("71.15", "(71.15, None)"))
    table = ExperimentTable.from_file(tmp_path / "t.py")
    (tmp_path / "t.json").write_text('{"scratch": {"a": {"0": {"OA": 90.0, "seconds": 1.0}}}}')
    figures = read_figures(tmp_path / "t.json", table)
    step = next(step for row, _, seed, step in table.runs((1,), tmp_path) if row == "scratch")
    finish(step, 94.0)
    (step.folder / "report.json").write_text(json.dumps({"metrics": {"OA": 94.0, "AA": None}}))
    figures["scratch", "a"] |= finished_figures(table, (1,), tmp_path)["scratch", "a"]
    text = tabulate(table, figures)
    assert "| scratch | 92.0 ± 2.8 (n = 2) (paper: 71.15) |" in text
    assert "| scratch | not measured |" in text
    write_figures(tmp_path / "t.json", table, figures)
    assert read_figures(tmp_path / "t.json", table) == figures


RUN = '{"OA": 1, "seconds": 1}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "not figures of a table"),
        ('{"scratch": []}', "not figures of a table"),
        ('{"scratch": {"a": []}}', "scratch, a: has no figures by seed"),
        ('{"scratch": {"a": {"0": {"OA": "x", "seconds": 1}}}}', "scratch, a: seed 0: OA is 'x', expected per cent"),
        ('{"scratch": {"a": {"0": {"OA": 300, "seconds": 1}}}}', "OA is 300, expected per cent, 0 to 100"),
        ('{"scratch": {"a": {"0": {"OA": 1}}}}', "seed 0: expected seconds, OA, and nothing else"),
        (
            '{"scratch": {"a": {"0": {"OA": 1, "AA": 1, "seconds": 1}}}}',
            "seed 0: expected seconds, OA, and nothing else",
        ),
        (f'{{"scratch": {{"a": {{"b": {RUN}}}}}}}', "seed 'b', expected a whole number"),
        (f'{{"scratch": {{"a": {{"-7": {RUN}}}}}}}', "seed '-7', expected a whole number"),
        (f'{{"scratch": {{"a": {{"00": {RUN}}}}}}}', "seed '00', expected a whole number"),
        (f'{{"scratch": {{"a": {{"100": {RUN}}}}}}}', "the table has no seed 100"),
        (f'{{"scratch": {{"c": {{"0": {RUN}}}}}}}', "scratch, c: the table has no such row and column"),
        (f'{{"scrotch": {{"a": {{"0": {RUN}}}}}}}', "scrotch, a: the table has no such row and column"),
    ],
)
def test_a_file_of_figures_that_is_none(text, said, tmp_path):
    (tmp_path / "t.py").write_text(TABLE)
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DataError, match=rf"t\.json: .*{re.escape(said)}") as caught:
        read_figures(tmp_path / "t.json", ExperimentTable.from_file(tmp_path / "t.py"))
    assert len(str(caught.value).splitlines()) == 1


def test_recording_loses_no_figure_and_takes_the_tables_seeds(run_tool, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(record, "forget_earlier", lambda: None)  # which is about this project's own files
    kept = tmp_path / "t.json"
    kept.write_text(f'{{"scratch": {{"a": {{"0": {RUN}}}}}}}')
    words = ["benchmarks/run_table", tmp_path / "t.py", "--no-run", "--record", "--work-dir", tmp_path / "runs"]
    for change in (('"scratch"', '"from scratch"'), ('"a"', '"A"'), ('"OA"', '"AA"')):
        (tmp_path / "t.py").write_text(TABLE.replace(*change))
        before = kept.read_text()
        assert run_tool(*words) == 2
        assert "t.json: scratch, a: " in capsys.readouterr().err
        assert kept.read_text() == before
    (tmp_path / "t.py").write_text(TABLE)
    assert run_tool(*words, "--seeds", 1, 100) == 2
    assert "--seeds 100: --record keeps the table's seeds alone; a has 0, 1" in capsys.readouterr().err
    table = ExperimentTable.from_file(tmp_path / "t.py")
    finish(next(step for row, _, _, step in table.runs((1,), tmp_path / "runs") if row == "scratch"), 3.0)
    assert run_tool(*words) == 0
    figures = {0: {"OA": 1, "seconds": 1}, 1: {"OA": 3.0, "seconds": 10.0}}
    assert read_figures(kept, table) == {("scratch", "a"): figures}
    (tmp_path / "t.py").write_text(TABLE.replace('"OA"', '("OA", "AA")').replace("71.15", "(71.15, None)"))
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    assert run_tool(*words) == 0
    assert read_figures(kept, ExperimentTable.from_file(tmp_path / "t.py")) == {("scratch", "a"): figures}


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_and_a_failure_says_what_failed(tmp_path):
    (tmp_path / "t.py").write_text(TABLE)
    steps = [step for *_, step in ExperimentTable.from_file(tmp_path / "t.py").runs((0,), tmp_path)]
    finish(steps[0], 90.0)
    ExperimentRunner().run_all(steps[:1])
    with pytest.raises(DataError, match=r"other_seed0_\w+: other.py ended with status 1: .*other.py"):
        ExperimentRunner().run_all(steps[1:2])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([dict(config="a.py", option={})], "a step of the table has config, option"),
        ([dict(options={})], "a step of the table has options"),
        ([], "has no steps"),
    ],
)
def test_wrong_steps(steps, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        make_chain(steps, 0, tmp_path)


def test_a_command_takes_the_checkpoint_before_it_and_probes_are_read(tmp_path, monkeypatch):
    probe = dict(command=["probe.py", "{checkpoint}", "--out", "{out}"])
    step, alone = make_chain([PRETRAIN, probe], 1, tmp_path), make_chain([probe], 1, tmp_path)
    assert step.folder != alone.folder
    finish(step.previous, 0.0)
    weights = step.previous.folder / "epoch_1.pth"
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), weights)
    called = []

    def call(self, words, folder):
        called.append(words)
        (folder / "report.json").write_text("{}")

    monkeypatch.setattr(ExperimentRunner, "_call", call)
    ExperimentRunner().run(step)
    assert called == [["probe.py", str(weights), "--out", str(step.folder / "report.json")]]
    (step.folder / "report.json").write_text(json.dumps({"methods": {"knn": {"OA": 70.0}}}))
    assert read_metrics(step) == {"OA": 70.0}
    with pytest.raises(
        DataError, match=r"report\.json: is not the one that the step ended with; remove .*finished\.json"
    ):
        chain_seconds(step)
    with pytest.raises(ConfigError, match=r"probe\.py: \{checkpoint\} given, but there is no step before it"):
        ExperimentRunner().run(alone)


def test_held_scenes_serve_the_runs_to_come(generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    trees = dict(config="configs/classical/extra-trees.py", dataset="salinas-a_20-per-class")
    monkeypatch.setattr(ExperimentRunner, "_call", lambda self, words, folder: None)
    runner = ExperimentRunner(hold_scenes=True)
    runner.run_all([make_chain([trees], seed, tmp_path) for seed in (0, 1)])
    (held,) = runner._scenes.values()
    config = read_config(trees["config"], trees["dataset"]).test_dataloader.dataset
    assert DATASETS.build(dict(config, data_root=str(generated_data))).cube.data is held.cube.data
    with pytest.raises(ConfigError, match="one run at a time"):
        ExperimentRunner(jobs=2, hold_scenes=True)


def test_runs_forked_from_the_process_that_holds_scenes_end_well(tmp_path):
    (tmp_path / "tool.py").write_text("import sys; from pathlib import Path; Path(sys.argv[1]).write_text('{}')\n")
    step = make_chain([dict(command=[str(tmp_path / "tool.py"), "{out}"])], 0, tmp_path)
    ExperimentRunner(hold_scenes=True).run_all([step])
    assert state(step) == "done"
    (tmp_path / "bad.py").write_text("raise SystemExit('no')\n")
    bad = make_chain([dict(command=[str(tmp_path / "bad.py")])], 0, tmp_path)
    with pytest.raises(DataError, match="ended with status 1"):
        ExperimentRunner(hold_scenes=True).run_all([bad])


def test_table_without_rows(tmp_path):
    (tmp_path / "t.py").write_text("title = 'a'\n")
    with pytest.raises(ConfigError, match="lacks metric, protocol, rows, seeds"):
        ExperimentTable.from_file(tmp_path / "t.py")


def test_command_runs_a_chain(run_tool, generated_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    few = {"train_cfg.max_epochs": 1, "train_dataloader.batch_size": 64, "param_scheduler": "[]"}
    chain = [dict(SCRATCH, options={**few, **SCRATCH["options"]})]
    (tmp_path / "t.py").write_text(
        f"title = 'T'\nprotocol = 'P'\nmetric = 'OA'\nseeds = (0,)\nrows = {{'MAE': {{'A': {chain!r}}}}}\n"
    )
    command = ["benchmarks/run_table", tmp_path / "t.py", "--work-dir", tmp_path / "runs"]
    assert run_tool(*command) == 0
    (finetuned,) = (tmp_path / "runs").glob("mae-ft*")
    value = json.loads((finetuned / "report.json").read_text())["metrics"]["OA"]
    said = capsys.readouterr().out
    assert said.startswith(f"1/1  {finetuned.name}: ")
    assert f"| MAE | {value:.1f} (n = 1) |" in said
    assert run_tool("benchmarks/plot_curves", *command[1:2], tmp_path / "a.png", *command[2:]) == 0
    assert "MAE (1 runs)" in capsys.readouterr().out
    assert (tmp_path / "a.png").is_file()
    assert run_tool("benchmarks/plot_curves", *command[1:2], tmp_path / "b.png", "--column", "B", *command[2:]) == 2
    assert "no column 'B'; has A" in capsys.readouterr().err
    assert run_tool(*command, "--list") == 0
    assert capsys.readouterr().out == "MAE | A: done 0\n"
    assert run_tool(*command, "--seeds", "0", "2", "3", "--list") == 0
    assert capsys.readouterr().out == "MAE | A: done 0; open 2 3\n"
    (tmp_path / "t.json").write_text(json.dumps({"MAE": {"A": {"0": {"OA": 9.0, "seconds": 1.0}}}}))
    assert run_tool(*command, "--list") == 0
    assert capsys.readouterr().out == "MAE | A: done 0; recorded 0\n"
    assert run_tool(*command, "--rows", "SVM") == 2
    assert "no such rows or columns; has MAE; A" in capsys.readouterr().err


OWN = """
title = "Own"
protocol = "One seed."
metric = "OA"
seeds = (0, 1)
finetune = dict(config="configs/mae/mae-ft_hsi-vit-tiny-p3.py", dataset="salinas_20-per-class")
init = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}
pretrain = dict(config="configs/mae/mae_hsi-vit-tiny-p3.py", dataset="salinas", seeded=False)
rows = {
    "as it says": {"a": [pretrain, dict(finetune, options=init)]},
    "from scratch": {"a": [dict(finetune, options={"model.backbone.init_cfg": None})]},
    "of another scene": {"a": [dict(pretrain, dataset="salinas-a"), dict(finetune, options=init)]},
    "shorter": {"a": [dict(pretrain, options={"train_cfg.max_epochs": 3}), dict(finetune, options=init)]},
    "plain": {"a": [dict(config="configs/comparison/cnn2d.py", dataset="salinas_20-per-class")]},
}
paper = {"plain": {"a": 80.0}, "from scratch": {"a": 70.0}}
"""


def test_what_is_known_of_a_config_is_what_tables_have_of_it_alone(tmp_path):
    """Means and deviations by seed; papers' figures; earlier figures until a table has some."""
    (tmp_path / "t.py").write_text(OWN)
    table = ExperimentTable.from_file(tmp_path / "t.py")
    for number, (row, _, seed, step) in enumerate(table.runs(table.seeds, tmp_path)):
        if (row, seed) != ("plain", 1):
            finish(step, 90.0 + number)
        if step.previous is not None and not step.previous.folder.exists():
            finish(step.previous, 1.0)
    cnn = {"config": "configs/comparison/cnn2d.py", "dataset": "salinas_20-per-class"}
    other = {"config": "configs/a.py", "metrics": {"OA": 1.0}, "runs": 1}
    earlier = tmp_path / "results.json"
    earlier.write_text(json.dumps([other, {**cnn, "metrics": {"OA": 3.0}, "runs": 1, "paper": {"Parameters": 7}}]))
    paper = {"OA": 80.0, "Parameters": 7}
    assert known(tmp_path, earlier) == [other, {**cnn, "metrics": {"OA": 3.0}, "runs": 1, "paper": paper}]

    write_figures(tmp_path / "t.json", table, finished_figures(table, None, tmp_path))
    measured = dict(
        config="configs/mae/mae-ft_hsi-vit-tiny-p3.py",
        dataset="salinas_20-per-class",
        metrics={"OA": 92.5},
        runs=2,
        spread={"OA": pytest.approx(5 / 2**0.5, abs=0.005)},
    )
    expected = [other, {**cnn, "metrics": {"OA": 94.0}, "runs": 1, "paper": paper}, measured]
    assert known(tmp_path, earlier) == expected
    forget_earlier(tmp_path, earlier)
    assert json.loads(earlier.read_text()) == [other, {**cnn, "paper": {"Parameters": 7}}]
    assert known(tmp_path, earlier) == expected


def test_a_figure_of_fewer_seeds_or_metrics_takes_no_earlier_ones_place(tmp_path):
    """As after ``run_table.py --seeds 0 --record``; what both have more of stays, whoever had it first."""
    (tmp_path / "t.py").write_text(OWN)
    table = ExperimentTable.from_file(tmp_path / "t.py")
    key = {"config": "configs/comparison/cnn2d.py", "dataset": "salinas_20-per-class"}
    five = {**key, "metrics": {"OA": 94.89}, "runs": 5, "spread": {"OA": 0.5}}
    earlier = tmp_path / "results.json"

    def recorded(before, seeds):
        earlier.write_text(json.dumps([before]))
        runs = {seed: {"OA": 90.0 + seed, "seconds": 1.0} for seed in range(seeds)}
        write_figures(tmp_path / "t.json", table, {("plain", "a"): runs})
        forget_earlier(tmp_path, earlier)
        (entry,) = known(tmp_path, earlier)
        return entry

    assert recorded(five, 1) == {**five, "paper": {"OA": 80.0}}
    assert recorded({**five, "metrics": {"OA": 3.0, "AA": 4.0}, "runs": 2}, 2)["metrics"] == {"OA": 3.0, "AA": 4.0}
    assert recorded({**five, "runs": 2}, 2) == {
        **key,
        "metrics": {"OA": 90.5},
        "runs": 2,
        "spread": {"OA": 0.7071},
        "paper": {"OA": 80.0},
    }
    assert json.loads(earlier.read_text()) == []


def test_no_figure_stands_in_two_places():
    tables = of_tables()
    for entry in read_results(RESULTS):
        found = tables.get((entry["config"], entry.get("dataset")), {})
        assert not ("metrics" in found and "metrics" in entry) or loses(found, entry), entry
        assert not set(found.get("paper", ())) & set(entry.get("paper", ())), entry


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/tables").glob("*.json")), ids=lambda path: path.stem)
def test_pages_show_what_was_recorded(path):
    table = ExperimentTable.from_file(path.with_suffix(".py"))
    figures = read_figures(path, table)
    assert figures
    if table.page:
        block = (ROOT / table.page).read_text().partition(f"<!-- {path.stem}: begin -->\n")[2]
        assert block.partition(f"<!-- {path.stem}: end -->")[0] == tabulate(table, figures)


def test_steps_run_at_once_keep_the_variables_of_the_command(tmp_path, monkeypatch):
    """A config is read with variables of its own, for a moment those of the process, by whichever thread needs it."""
    monkeypatch.setenv("MMHSI_DATA", "somewhere")
    monkeypatch.delenv("MMHSI_DATASET", raising=False)
    reading, read = threading.Event(), threading.Event()

    def slowly(path):
        seen.append((os.environ.get("MMHSI_DATA"), os.environ.get("MMHSI_DATASET")))
        reading.set()
        assert read.wait(20)

    class Process:
        exitcode = 0

        def join(self):
            pass

    def start(words, log, environment, from_here):
        seen.append((environment.get("MMHSI_DATA"), environment.get("MMHSI_DATASET")))
        return Process()

    seen = []
    monkeypatch.setattr(steps, "load_config", slowly)
    monkeypatch.setattr(runner, "start_tool", start)
    two = ExperimentRunner(jobs=2)
    both = [threading.Thread(target=read_config, args=("no.py", name)) for name in ("a", "b")]
    both[0].start()
    assert reading.wait(20)
    both[1].start()
    two._call(["tools/train.py"], tmp_path)
    read.set()
    for thread in both:
        thread.join()
    assert seen == [(None, "a"), ("somewhere", None), (None, "b")]
    assert (os.environ["MMHSI_DATA"], os.environ.get("MMHSI_DATASET")) == ("somewhere", None)


def test_what_runs_are_forked_from_leaves_cuda_alone():
    """Who asks CUDA itself for its devices can fork no process that uses one."""
    script = """
import torch

def refuse():
    raise AssertionError("CUDA was asked")

torch.cuda._device_count_nvml = lambda: 1
torch._C._cuda_getDeviceCount = refuse
import mmhsi.cli.preload
"""
    kept = {name: value for name, value in os.environ.items() if name != "PYTORCH_NVML_BASED_CUDA_CHECK"}
    subprocess.run([sys.executable, "-c", script], env=kept, check=True)
