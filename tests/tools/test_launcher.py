"""--launcher pytorch on a machine without a GPU."""

import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.models.utils import read_checkpoint


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
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    command += [
        "tools/train.py",
        str(tmp_path / "config.py"),
        "--launcher",
        "pytorch",
        "--work-dir",
        str(tmp_path / "w"),
    ]
    environment = dict(os.environ, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Distributed training: True" in done.stdout + done.stderr
    weights = read_checkpoint(tmp_path / "w/epoch_1.pth")["state_dict"]
    assert not any(key.startswith("module.") for key in weights)
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())
