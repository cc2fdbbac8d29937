"""Checkpoints that are whole or absent, and the newest good one."""

import errno
import os
import resource
import signal
import time
from pathlib import Path

import pytest
import torch
from evil import Evil
from experiments.runner import start_tool
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from processes import SECONDS, fork, join
from small_models import SMALL

from mmhsi.engine import CheckedRunner, newest_checkpoint, prepare_resume
from mmhsi.engine.hooks.atomic_checkpoint_hook import DeferredRemoval, WholeFiles
from mmhsi.errors import ConfigError, DataError, FileFormatError
from mmhsi.models.weights import read_checkpoint

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "configs/hsi_vit/hsi-vit-tiny-p3.py"


@pytest.fixture
def config(generated_data, tmp_path, monkeypatch):
    """A small classification of three epochs of two steps."""
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = Config.fromfile(BASE)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=3)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_dataloader.batch_size = 12
    cfg.default_hooks.checkpoint.update(interval=1)
    cfg.model.backbone.arch = SMALL
    cfg.model.head.in_channels = 2 * SMALL["embed_dims"]
    cfg.model.tta = False
    cfg.dump(tmp_path / "config.py")
    return tmp_path / "config.py"


def save(path, step, seed=0):
    torch.save(dict(state_dict=dict(a=torch.full((1000,), float(step))), meta=dict(iter=step, seed=seed)), path)
    os.utime(path, (step, step))


class Saving:
    """A run that writes as mmengine's do."""

    def __init__(self, content=b"x" * 100_000):
        self.content = content

    def save_checkpoint(self, out_dir, filename, **options):
        (Path(out_dir) / filename).write_bytes(self.content)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "new").mkdir()
    for content in (b"first", b"second"):
        WholeFiles(Saving(content)).save_checkpoint(str(tmp_path / "new"), "a.pth", meta={})
        assert (tmp_path / "new/a.pth").read_bytes() == content
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.pth"]


def write_too_much(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
    try:
        WholeFiles(Saving()).save_checkpoint(str(path.parent), path.name)
    except DataError as error:
        path.with_suffix(".message").write_text(str(error))


def write_slowly(path):
    def killed(_):
        os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = killed  # when the bytes are written and the name is not yet given
    WholeFiles(Saving()).save_checkpoint(str(path.parent), path.name)


def test_what_a_file_names_outside_the_run_is_not_removed(tmp_path):
    """A resumed run has the name of its best checkpoint from a file, which may be somebody else's."""
    run, other = tmp_path / "run", tmp_path / "other"
    for folder in (run, other):
        folder.mkdir()
        for name in ("best.pth", "notes.txt"):
            (folder / name).write_text("x")
    noted = []
    backend = DeferredRemoval(LocalBackend(), str(run), noted.append)
    for path in (run / "best.pth", run / "notes.txt", other / "best.pth", run / "../other/best.pth", other):
        if backend.isfile(str(path)):
            backend.remove(str(path))
        elif backend.isdir(str(path)):
            backend.rmtree(str(path))
    assert (run / "best.pth").exists()  # until the new one is written
    backend.flush()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert left == ["other/best.pth", "other/notes.txt", "run/notes.txt"]
    assert noted == [["best.pth"], []]


def test_what_an_interrupted_run_had_noted_goes_and_nothing_else(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    names = ["epoch_1.pth", "best_OA_epoch_1.pth", "weights.pth", "epoch_2.pth", "epoch_1.txt"]
    for path in [*(run / name for name in names), tmp_path / "epoch_1.pth"]:
        path.write_text("x")
    backend = DeferredRemoval(LocalBackend(), str(run), lambda _: None)
    backend.remove_noted(None)
    backend.remove_noted(["../epoch_1.pth", 5, "weights.pth", "epoch_1.txt", "epoch_1.pth", "best_OA_epoch_1.pth"])
    assert sorted(path.name for path in run.iterdir()) == ["epoch_1.txt", "epoch_2.pth", "weights.pth"]
    assert (tmp_path / "epoch_1.pth").exists()


@pytest.mark.parametrize("write", [write_too_much, write_slowly])
def test_a_full_disk_or_a_kill_leaves_the_earlier_file(write, tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"before")
    status = join(fork(write, path))
    assert path.read_bytes() == b"before"
    if write is write_too_much:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.message", "a.pth"]
        assert path.with_suffix(".message").read_text() == f"{path}: cannot write: [Errno {errno.EFBIG}] File too large"
    else:
        assert status == -signal.SIGKILL


def test_an_old_checkpoint_goes_after_the_new_one_came(config, tmp_path, run_tool, monkeypatch, capsys):
    save = CheckedRunner.save_checkpoint

    def full(self, out_dir, filename, *args, **kwargs):
        if "epoch_2.pth" in filename:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(self, out_dir, filename, *args, **kwargs)

    monkeypatch.setattr(CheckedRunner, "save_checkpoint", full)
    options = ["--cfg-options", "default_hooks.checkpoint.max_keep_ckpts=1"]
    assert run_tool("train", config, "--work-dir", tmp_path / "w", *options) == 2
    assert "No space left" in capsys.readouterr().err.splitlines()[-1]
    assert sorted(path.name for path in (tmp_path / "w").glob("*.pth")) == ["epoch_1.pth"]
    monkeypatch.setattr(CheckedRunner, "save_checkpoint", save)
    (tmp_path / "w/.epoch_2.pth.0123456789ab.tmp").write_bytes(b"left by a kill")
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--resume", *options) == 0
    assert sorted(path.name for path in (tmp_path / "w").glob("*.pth")) == ["epoch_3.pth"]
    assert not list((tmp_path / "w").glob(".*.tmp"))


def test_the_newest_good_checkpoint_is_found(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for step in (1, 2, 10):
        save(tmp_path / f"epoch_{step}.pth", step)
    for step in (1, 2, 10):
        os.utime(tmp_path / f"epoch_{step}.pth", (20 - step, 20 - step))  # as after copying: dates say nothing
    assert newest_checkpoint(tmp_path)[0].name == "epoch_10.pth"
    (tmp_path / "last_checkpoint").write_text("/moved/since/epoch_2.pth")  # of a run begun anew: older numbers, later
    assert newest_checkpoint(tmp_path)[0].name == "epoch_2.pth"
    (tmp_path / "epoch_2.pth").write_bytes((tmp_path / "epoch_2.pth").read_bytes()[:2000])
    assert newest_checkpoint(tmp_path)[0].name == "epoch_10.pth"
    (tmp_path / "last_checkpoint").write_text("")  # killed while it was written
    (tmp_path / "epoch_10.pth").write_bytes(b"")
    path, meta = newest_checkpoint(tmp_path)
    assert (path.name, meta["iter"]) == ("epoch_1.pth", 1)
    (tmp_path / "epoch_1.pth").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"none of its 3 checkpoints can be read; the newest: .*epoch_10\.pth"):
        newest_checkpoint(tmp_path)


def test_resume_takes_the_seed_of_the_run(tmp_path):
    save(tmp_path / "epoch_1.pth", 1, seed=7)
    cfg = Config(dict(work_dir=str(tmp_path)))
    prepare_resume(cfg)
    assert (cfg.randomness.seed, cfg.resume, Path(cfg.load_from).name) == (7, True, "epoch_1.pth")
    cfg = Config(dict(work_dir=str(tmp_path), randomness=dict(seed=0)))
    with pytest.raises(ConfigError, match=r"of a run with seed 7, this one has 0; give --seed 7"):
        prepare_resume(cfg, str(tmp_path / "epoch_1.pth"))
    cfg = Config(dict(work_dir=str(tmp_path / "none")))
    prepare_resume(cfg)
    assert not cfg.get("resume")


def test_resume_from_a_damaged_checkpoint_ends_the_same(config, tmp_path, run_tool):
    assert run_tool("train", config, "--work-dir", tmp_path / "a") == 0
    expected = read_checkpoint(tmp_path / "a/epoch_3.pth")["state_dict"]
    last = tmp_path / "a/epoch_3.pth"
    last.write_bytes(last.read_bytes()[:5000])
    assert run_tool("train", config, "--work-dir", tmp_path / "a", "--resume") == 0
    actual = read_checkpoint(last)["state_dict"]
    assert all(torch.equal(actual[key], value) for key, value in expected.items())


@pytest.mark.parametrize("options", [["--resume", "{evil}"], ["--cfg-options", "load_from={evil}"], None])
def test_code_in_a_checkpoint_never_runs(options, config, tmp_path, run_tool, capsys):
    evil, ran = tmp_path / "evil.pth", tmp_path / "ran"
    torch.save(dict(state_dict={}, meta={}, extra=Evil(ran)), evil)
    if options is None:
        status = run_tool("test", config, evil, "--work-dir", tmp_path / "w")
    else:
        words = [word.replace("{evil}", str(evil)) for word in options]
        status = run_tool("train", config, "--work-dir", tmp_path / "w", *words)
    assert status == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: checkpoint {evil}: not weights and plain data")
    assert not ran.exists()


def test_iterations_in_an_epoch_loop_are_refused(config, tmp_path, run_tool, capsys):
    options = ["--cfg-options", "default_hooks.checkpoint.by_epoch=False"]
    assert run_tool("train", config, "--work-dir", tmp_path / "w", *options) == 2
    assert "expected by_epoch=True" in capsys.readouterr().err


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run_with_one_line(config, tmp_path):
    cfg = Config.fromfile(config)
    cfg.train_dataloader.update(num_workers=2, persistent_workers=True)
    cfg.train_cfg.max_epochs = 100_000
    cfg.default_hooks.checkpoint.interval = 1_000
    cfg.dump(config)
    log = tmp_path / "log"
    run = start_tool([str(ROOT / "tools/train.py"), str(config), "--work-dir", str(tmp_path / "w")], log)
    try:
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        deadline = time.monotonic() + SECONDS
        while len(workers := children.read_text().split()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(int(workers[0]), signal.SIGKILL)
        killed = time.monotonic()
        assert join(run) == 1
        assert time.monotonic() - killed < 30  # a hang, not a matter of speed
    finally:
        run.kill()
    lines = [line for line in log.read_text().splitlines() if line.startswith(("error", "RuntimeError"))]
    assert len(lines) == 1
    assert lines[0].startswith("error: a process that loads data was killed")
