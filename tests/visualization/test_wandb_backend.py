"""Weights & Biases by what it is called with; with the real package where it is installed."""

import importlib
import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmhsi.registry import VISBACKENDS, VISUALIZERS


class StubWandb(SimpleNamespace):
    """What of wandb the backend calls, and that a finished run takes nothing; newer versions have no ``join``."""

    def __init__(self):
        super().__init__(runs=[], logged=[], Image=lambda image: image)

    def init(self, **options):
        self.runs.append(options)

    def log(self, values, commit):
        self.logged.append(values)


def log_train_and_test(folder):
    """What a run does with its visualizer: it closes it after the training, and logs the test all the same."""
    backend = dict(type="WandbVisBackend", init_kwargs=dict(project="mmhsi", mode="offline"))
    visualizer = VISUALIZERS.build(
        dict(type="HSIVisualizer", name=str(folder), vis_backends=[backend], save_dir=str(folder))
    )
    visualizer.add_scalars({"loss": 1.5}, step=1)
    visualizer.close()
    visualizer.add_image("test_scene", np.zeros((4, 4, 3), np.uint8))
    visualizer.add_scalars({"OA": 90.0})
    visualizer.close()


@pytest.mark.usefixtures("scope")
def test_a_test_after_its_training_logs_to_the_same_run(tmp_path, monkeypatch):
    stub = StubWandb()
    monkeypatch.setitem(sys.modules, "wandb", stub)
    log_train_and_test(tmp_path)
    (options,) = stub.runs
    assert options["project"] == "mmhsi"
    assert options["mode"] == "offline"
    assert options["dir"].startswith(str(tmp_path))
    assert [list(values) for values in stub.logged] == [["loss"], ["test_scene"], ["OA"]]


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
@pytest.mark.usefixtures("scope")
def test_the_real_package_in_offline_mode(tmp_path, monkeypatch):
    wandb = importlib.import_module("wandb")

    monkeypatch.setenv("WANDB_SILENT", "true")
    log_train_and_test(tmp_path)
    wandb.finish()
    assert len(list(tmp_path.rglob("offline-run-*/*.wandb"))) == 1


def test_the_name_of_mmengine_is_ours():
    assert VISBACKENDS.get("WandbVisBackend").__name__ == "OneRunWandbVisBackend"
