"""What a training and a test print, and what a failed one leaves behind."""

import json
import logging
import re
import sys
import time
import warnings
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.visualization import Visualizer
from small_models import shrink

from mmhsi.cli.console import bar, duration, show_own_warnings
from mmhsi.cli.work_dir import hold_work_dir
from mmhsi.errors import ConfigError, DataError, DataWarning
from mmhsi.io.doubts import doubt

FINETUNE = "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"


@pytest.fixture
def config(place, tmp_path):
    cfg = shrink(Config.fromfile(FINETUNE))
    cfg.train_cfg.max_epochs = 2
    cfg.model.backbone.init_cfg = None
    cfg.dump(tmp_path / "small.py")
    return tmp_path / "small.py"


def test_a_training_prints_one_line_an_epoch_and_what_it_wrote(run_tool, config, tmp_path, capsys):
    report = tmp_path / "report.json"
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--report", report) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert said.err == ""
    assert len(lines) == 10, lines
    assert "2 epochs" in lines[0]
    assert [line.split("  ")[0] for line in lines[1:3]] == ["epoch 1/2", "epoch 2/2"]
    assert "steps/s" in lines[1]
    assert lines[3].startswith("trained 2 epochs in ")
    assert lines[4] == f"weights: {tmp_path / 'w/epoch_2.pth'}"
    oa = json.loads(report.read_text())["metrics"]["OA"]
    assert f"OA {oa:.4g}" in lines[6]
    assert lines[-1] == f"report: {report}"
    (log,) = tmp_path.glob("w/*/*.log")
    written = log.read_text()
    assert "System environment" in written
    assert "Hooks will be executed" in written
    assert "max_epochs=2" in written


def test_a_training_without_loss_has_no_colon(run_tool, repository, tmp_path, capsys):
    lda = repository / "configs/classical/lda.py"
    assert run_tool("train", lda, "--dataset", "demo_20-per-class", "--work-dir", tmp_path / "w") == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("trained "))
    assert re.fullmatch(r"trained 1 epoch in \d+ s", line)


def test_verbose_brings_it_back(run_tool, config, tmp_path, capsys):
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--verbose") == 0
    assert "System environment" in capsys.readouterr().out


def test_runs_of_one_second_write_into_files_of_their_own(run_tool, config, tmp_path, monkeypatch):
    clock = SimpleNamespace(time=lambda: 1.0, strftime=time.strftime, localtime=time.localtime)
    monkeypatch.setattr("mmengine.runner.runner.time", clock)
    for name in ("a", "b"):
        assert run_tool("train", config, "--work-dir", tmp_path / name) == 0
    for pattern in ("*.log", "vis_data/scalars.json"):
        first, second = (next(tmp_path.glob(f"{name}/*/{pattern}")).read_text().splitlines() for name in ("a", "b"))
        assert len(first) > 0
        assert len(second) == len(first)


def test_a_terminal_sees_a_live_line(run_tool, config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mmhsi.cli.run_lines.live", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    once = ["--cfg-options", "train_cfg.max_epochs=1"]
    assert run_tool("train", config, "--work-dir", tmp_path / "w", *once) == 0
    said = capsys.readouterr()
    assert ", 1 epoch, " in said.out
    assert "trained 1 epoch in " in said.out
    assert "epoch 1/1" not in said.out
    assert "training" in said.err


def test_a_failed_run_leaves_no_folder_and_says_one_line(run_tool, place, tmp_path, capsys):
    options = ["model.backbone.init_cfg=None", "load_from=none.pth"]
    assert run_tool("train", FINETUNE, "--work-dir", tmp_path / "runs/w", "--cfg-options", *options) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not (tmp_path / "runs").exists()


def failing_run(folder, name):
    with hold_work_dir(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("something")
        raise ConfigError("no")


def test_what_was_measured_stays(tmp_path):
    folder = tmp_path / "w"
    for name, stays in (("split.npz", False), ("a/b.log", False), ("epoch_1.pth", True), ("a/vis_data/x.png", True)):
        with pytest.raises(ConfigError):
            failing_run(folder, name)
        assert (folder / name).exists() == stays
    with pytest.raises(ConfigError):
        failing_run(folder, "c.py")
    assert (folder / "epoch_1.pth").exists()
    assert not (folder / "c.py").exists()


def test_warnings_of_a_run_come_through_and_others_do_not(capsys):
    from mmengine.logging import MMLogger

    from mmhsi.engine import quiet_logging

    with quiet_logging.log_to_file_alone():
        logger = MMLogger("quiet", log_level="INFO")
        quiet_logging.apply(logger)
    for path in (quiet_logging.__file__, logging.__file__):
        for level in (logging.INFO, logging.WARNING):
            logger.handle(logging.LogRecord("x", level, path, 1, f"{level} {path}", (), None))
    assert capsys.readouterr().out == f"warning: {logging.WARNING} {quiet_logging.__file__}\n"


def test_a_warning_is_one_line_said_once(tmp_path, monkeypatch, capsys):
    """Whatever is opened for every step anew, and under whichever name."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        show_own_warnings()
        for _ in range(2):
            warnings.warn("odd scene", DataWarning, stacklevel=1)
            warnings.warn("of a library", UserWarning, stacklevel=1)
            doubt("leaf.hdr", "gain", "has two gains")
            doubt(tmp_path / "leaf.hdr", "gain", "has two gains")
    assert capsys.readouterr().err.splitlines() == ["warning: odd scene", "warning: leaf.hdr: has two gains"]


def test_durations_and_a_bar_that_nobody_sees(capsys):
    assert [duration(value) for value in (0.2, 59.4, 60, 3599, 7261)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "2 h 1 min",
    ]
    with bar("counting", "rows") as step:
        step(1, 2)
    assert capsys.readouterr() == ("", "")
    assert sys.stderr.isatty() is False


def visualizer(folder):
    return Visualizer.get_instance("failed_run", vis_backends=[dict(type="LocalVisBackend")], save_dir=str(folder))


def failing_with_a_visualizer(folder):
    with hold_work_dir(folder):
        visualizer(folder / "1")
        (folder / "1").mkdir()
        raise DataError("lost")


def test_the_visualizer_of_a_failed_run_is_not_that_of_the_next(tmp_path):
    with pytest.raises(DataError):
        failing_with_a_visualizer(tmp_path / "w")
    assert not (tmp_path / "w/1").exists()
    assert visualizer(tmp_path / "2").get_backend("LocalVisBackend")._save_dir.startswith(str(tmp_path / "2"))
    del Visualizer._instance_dict["failed_run"]


def test_a_resumed_run_that_validates_first_prints_its_lines(run_tool, config, tmp_path, capsys):
    cfg = Config.fromfile(config)
    cfg.val_dataloader, cfg.val_evaluator, cfg.val_cfg = cfg.test_dataloader, cfg.test_evaluator, {}
    cfg.train_cfg.val_interval = 1
    cfg.dump(config)
    assert run_tool("train", config, "--work-dir", tmp_path / "w") == 0
    capsys.readouterr()
    longer = ["--resume", "--cfg-options", "train_cfg.max_epochs=3"]
    assert run_tool("train", config, "--work-dir", tmp_path / "w", *longer) == 0
    lines = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert "3 epochs" in lines[0]
    assert lines[1:3] == ["epoch 2/3", "epoch 3/3"]
