"""Several processes by the scripts of tools/, on a machine without a GPU; SLURM's by what they ask of srun."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from processes import SECONDS, fork, free_port, join, launch_two, run_command, run_rank, started
from small_models import shrink

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.engine import prepare_distributed, scale_learning_rate
from mmhsi.errors import ConfigError
from mmhsi.io import HSICube, write_cube
from mmhsi.launchers import TOLD
from mmhsi.models.weights import read_checkpoint

pytestmark = pytest.mark.slow
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="tests the way without a GPU")


def environment(**more):
    own = dict(PYTHON=sys.executable, PORT=free_port(), OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    return dict(os.environ, **own, **more)


@pytest.fixture
def demo_config(repository, tmp_path):
    """A small classifier of the pixels of a small scene."""
    write_scene(simulate_scene(40, 40, 64), tmp_path / "demo")
    cfg = shrink(Config.fromfile(repository / "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"))
    cfg.model.backbone.init_cfg = None
    cfg.model.tta = False
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(tmp_path)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.interval = 1
    cfg.param_scheduler = None
    return cfg


@pytest.mark.slow
@without_gpu
def test_two_processes_train_and_test_one_model(repository, tmp_path, demo_config, run_tool, monkeypatch):
    demo_config.auto_scale_lr = dict(base_batch_size=demo_config.train_dataloader.batch_size)
    config, checkpoint, work_dir = (tmp_path / name for name in ("config.py", "w/epoch_1.pth", "w"))
    demo_config.dump(config)
    options = ["--work-dir", work_dir, "--auto-scale-lr", "--report", tmp_path / "two.json", "--verbose"]
    done = run_command(["tools/dist_train.sh", config, "2", *options], cwd=repository, env=environment())
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Distributed training: True" in done.stdout + done.stderr

    weights = read_checkpoint(checkpoint)["state_dict"]
    assert not any(key.startswith("module.") for key in weights)
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())
    (log,) = work_dir.glob("*/vis_data/scalars.json")
    lines = map(json.loads, log.read_text().splitlines())
    rates = [line["base_lr"] for line in lines if "base_lr" in line]
    assert rates == pytest.approx([2 * demo_config.optim_wrapper.optimizer.lr] * len(rates))

    monkeypatch.chdir(repository)
    assert run_tool("test", config, checkpoint, "--work-dir", work_dir, "--out", tmp_path / "one.json") == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    assert one == two


def test_the_script_that_tests_starts_as_that_which_trains(repository, tmp_path):
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "python").chmod(0o755)
    where = dict(environment(), PYTHON=str(tmp_path / "python"))
    launched, given = {}, {}
    for name, *arguments in (("train", "c.py", "2"), ("test", "c.py", "w.pth", "2")):
        command = [repository / f"tools/dist_{name}.sh", *arguments, "--seed", "a b"]
        words = run_command(command, env=where).stdout.splitlines()
        script = words.index(f"{repository}/tools/{name}.py")
        launched[name], given[name] = words[:script], words[script + 1 :]
    assert "--nproc_per_node=2" in launched["test"]
    assert launched["test"] == launched["train"]
    assert given["train"] == ["c.py", "--launcher", "pytorch", "--seed", "a b"]
    assert given["test"] == ["c.py", "w.pth", "--launcher", "pytorch", "--seed", "a b"]


@without_gpu
def test_one_processs_bad_batch_stops_all(repository, tmp_path):
    cfg = shrink(Config.fromfile(repository / "configs/mae/mae_hsi-vit-tiny-p3_demo.py"))
    cfg.model.data_preprocessor.update(mean=[300.0] * 56, std=[0.5] * 56)
    cube = np.full((24, 24, 56), 300, np.float32)
    cube[0, 0, 0] = 3.4e38  # in the windows of one corner
    write_cube(tmp_path / "cube.tif", HSICube(cube))
    cfg.train_dataloader.dataset.update(
        data_root=str(tmp_path), scene=dict(image="cube.tif"), stride=7
    )  # (0, 0) alone sees it
    cfg.train_dataloader.batch_size = 4
    cfg.train_cfg = dict(by_epoch=False, max_iters=3)
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=1)
    cfg.dump(tmp_path / "config.py")
    words = [str(repository / "tools/train.py"), tmp_path / "config.py", "--work-dir", tmp_path / "w"]
    ranks = launch_two(run_rank, [*map(str, words), "--launcher", "pytorch"], tmp_path)
    assert all(join(rank) != 0 for rank in ranks)
    logs = [(tmp_path / f"{rank}.log").read_text() for rank in "01"]
    lines = [line for log in logs for line in log.splitlines() if line.startswith("error: training stopped")]
    (culprit,) = (line for line in lines if "perhaps by another process" not in line)
    assert "1 of 4 samples hold values that are not finite: row 0, column 0" in culprit
    assert all(line.split(" (epoch")[0] == culprit.split(" (epoch")[0] for line in lines)
    assert len(list((tmp_path / "w").glob("nonfinite_iter_*.pth"))) == len(lines)
    for path in (tmp_path / "w").glob("iter_*.pth"):
        state = read_checkpoint(path)["state_dict"]
        assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())


def children(pid):
    """Process ids."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@without_gpu
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_a_killed_process_ends_the_run(repository, tmp_path, demo_config):
    demo_config.train_cfg.max_epochs = 10**6
    demo_config.dump(tmp_path / "config.py")
    command = ["tools/dist_train.sh", tmp_path / "config.py", "2", "--work-dir", tmp_path / "w", "--verbose"]
    log = tmp_path / "log"
    with log.open("w") as file, started(command, cwd=repository, env=environment(), stdout=file, stderr=file) as run:
        deadline = time.monotonic() + SECONDS
        while "Epoch(train)" not in log.read_text():
            assert run.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = children(run.pid)
        os.kill(workers[1], signal.SIGKILL)
        assert run.wait(SECONDS) != 0
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    text = log.read_text()
    assert "exitcode  : -9" in text
    assert "Signal 9 (SIGKILL)" in text


def srun_words(repository, tmp_path, script, *arguments, **more):
    """What a script of SLURM hands to srun."""
    (tmp_path / "srun").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    paths = dict(environment(**more), PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return run_command([repository / "tools" / script, *arguments], env=paths).stdout.splitlines()


def test_slurm_scripts_ask_for_a_task_a_gpu(repository, tmp_path):
    words = srun_words(
        repository,
        tmp_path,
        "slurm_train.sh",
        *("part", "job", "a config.py", "--seed", "1"),
        GPUS="16",
        GPUS_PER_NODE="4",
        CPUS_PER_TASK="7",
        SRUN_ARGS="--mem=10G --qos=x",
    )
    assert words == [
        *("-p", "part", "--job-name=job", "--gres=gpu:4", "--ntasks-per-node=4", "--ntasks=16", "--cpus-per-task=7"),
        *("--kill-on-bad-exit=1", "--mem=10G", "--qos=x", sys.executable, "-u", f"{repository}/tools/train.py"),
        *("a config.py", "--launcher", "slurm", "--seed", "1"),
    ]
    words = srun_words(repository, tmp_path, "slurm_test.sh", "part", "job", "c.py", "w.pth", "--out", "r", GPUS="2")
    assert words == [
        *("-p", "part", "--job-name=job", "--gres=gpu:2", "--ntasks-per-node=2", "--ntasks=2", "--cpus-per-task=5"),
        *("--kill-on-bad-exit=1", sys.executable, "-u", f"{repository}/tools/test.py", "c.py", "w.pth"),
        *("--launcher", "slurm", "--out", "r"),
    ]


def test_slurm_scripts_take_a_partition_without_gpus(repository, tmp_path):
    for name, given in (("train", ["c.py"]), ("test", ["c.py", "w.pth"])):
        more = dict(GPUS="2", GPUS_PER_NODE="0", CPUS_PER_TASK="1")
        words = srun_words(repository, tmp_path, f"slurm_{name}.sh", "part", "job", *given, **more)
        assert words == [
            *("-p", "part", "--job-name=job", "--ntasks=2", "--cpus-per-task=1", "--kill-on-bad-exit=1"),
            *(sys.executable, "-u", f"{repository}/tools/{name}.py", *given, "--launcher", "slurm"),
        ]


def begin_alone(launcher):
    prepare_distributed(Config(dict(launcher=launcher)))
    assert (torch.distributed.get_rank(), torch.distributed.get_world_size()) == (0, 1)
    assert os.environ["MASTER_ADDR"] == "127.0.0.1"


@without_gpu
@pytest.mark.parametrize("launcher", ["slurm", "mpi", "pytorch"])
def test_processes_without_a_gpu_join_by_what_their_launcher_tells(tmp_path, monkeypatch, launcher):
    for names in TOLD.values():
        for name in (*names, "MASTER_ADDR", "SLURM_STEP_NODELIST"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    with pytest.raises(
        ConfigError, match=rf"--launcher {launcher}: .* are not set; start it with (srun|mpirun|torchrun)"
    ):
        prepare_distributed(Config(dict(launcher=launcher)))
    for name, value in zip(TOLD[launcher], "010", strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=rf"--launcher {launcher}: .*MASTER_ADDR"):
        prepare_distributed(Config(dict(launcher=launcher)))
    monkeypatch.setenv("SLURM_STEP_NODELIST", "a[1-2]")
    (tmp_path / "scontrol").write_text('#!/bin/sh\ntest "$*" = "show hostnames a[1-2]" && echo 127.0.0.1 && echo b\n')
    (tmp_path / "scontrol").chmod(0o755)
    if launcher != "slurm":
        monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    assert join(fork(begin_alone, launcher)) == 0


@pytest.mark.parametrize("script", ["dist_train.sh", "dist_test.sh", "slurm_train.sh", "slurm_test.sh"])
def test_scripts_say_what_they_need(repository, script):
    done = run_command([repository / "tools" / script, "one"])
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


@pytest.mark.parametrize(("launcher", "variable"), [("pytorch", "WORLD_SIZE"), ("slurm", "SLURM_NTASKS"), ("none", "")])
@pytest.mark.parametrize(("rule", "power"), [("linear", 1), ("sqrt", 0.5)])
def test_the_learning_rate_scales_with_the_batch_of_all(launcher, variable, rule, power, monkeypatch):
    for name in TOLD.get(launcher, ()):
        monkeypatch.setenv(name, "8" if name == variable else "0")
    cfg = Config(
        dict(
            launcher=launcher,
            train_dataloader=dict(batch_size=32),
            optim_wrapper=dict(optimizer=dict(lr=0.1), accumulative_counts=3),
            auto_scale_lr=dict(base_batch_size=16, rule=rule),
        )
    )
    scale_learning_rate(cfg)
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(0.1 * (6 * (8 if variable else 1)) ** power)
    assert not cfg.auto_scale_lr.enable


def test_a_rate_of_unknown_batch_is_not_scaled():
    with pytest.raises(ConfigError, match=r"has no auto_scale_lr\.base_batch_size"):
        scale_learning_rate(Config(dict(launcher="none")))
    with pytest.raises(ConfigError, match="rule='cubic' is unknown"):
        scale_learning_rate(Config(dict(launcher="none", auto_scale_lr=dict(base_batch_size=1, rule="cubic"))))
