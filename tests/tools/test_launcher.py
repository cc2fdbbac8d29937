"""--launcher pytorch on a machine without a GPU."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.io import HSICube, write_cube
from mmhsi.models.utils import read_checkpoint


def launch(repository, folder):
    """Train ``config.py`` of a folder with two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "tools/train.py"]
    command += [str(folder / "config.py"), "--launcher", "pytorch", "--work-dir", str(folder / "w")]
    environment = dict(os.environ, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests the way without a GPU")
def test_two_processes_train_one_model(repository, tmp_path):
    write_scene(simulate_scene(24, 24, 64), tmp_path / "demo")
    cfg = Config.fromfile(repository / "configs/mae/mae_hsi-vit-tiny-p3_demo.py")
    cfg.model.backbone.arch = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
    cfg.model.decoder.update(embed_dims=16, decoder_embed_dims=16, depth=1, num_heads=2)
    cfg.train_dataloader.dataset.data_root = str(tmp_path)
    cfg.train_dataloader.batch_size = 64
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.interval = 1
    cfg.dump(tmp_path / "config.py")
    done = launch(repository, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Distributed training: True" in done.stdout + done.stderr
    weights = read_checkpoint(tmp_path / "w/epoch_1.pth")["state_dict"]
    assert not any(key.startswith("module.") for key in weights)
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests the way without a GPU")
def test_one_processs_bad_batch_stops_all(repository, tmp_path):
    cfg = Config.fromfile(repository / "configs/mae/mae_hsi-vit-tiny-p3_demo.py")
    cfg.model.backbone.arch = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
    cfg.model.decoder.update(embed_dims=16, decoder_embed_dims=16, depth=1, num_heads=2)
    cfg.model.data_preprocessor.update(mean=[300.0] * 56, std=[0.5] * 56)
    cube = np.full((24, 24, 56), 300, np.float32)
    cube[0, 0, 0] = 3.4e38  # in the windows of one corner
    write_cube(tmp_path / "cube.tif", HSICube(cube))
    cfg.train_dataloader.dataset.update(data_root=str(tmp_path), image="cube.tif", stride=7)  # (0, 0) alone sees it
    cfg.train_dataloader.batch_size = 4
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=1)
    cfg.dump(tmp_path / "config.py")
    done = launch(repository, tmp_path)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: training stopped")]
    (culprit,) = (line for line in lines if "perhaps by another process" not in line)
    assert "1 of 4 samples hold values that are not finite: row 0, column 0" in culprit
    assert all(line.split(" (epoch")[0] == culprit.split(" (epoch")[0] for line in lines)
    assert len(list((tmp_path / "w").glob("nonfinite_iter_*.pth"))) == len(lines)
    for path in (tmp_path / "w").glob("iter_*.pth"):
        state = read_checkpoint(path)["state_dict"]
        assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())
