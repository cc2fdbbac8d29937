"""A command that is killed or ended by a scheduler and goes on gives the map of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio

from mmhsi.cli.termination import AGAIN
from mmhsi.datasets.simulation import simulate_scene, write_scene

OUTPUTS = (".tif", ".probabilities.tif", ".doubt.tif")

STAGES = (
    ("plan.json", signal.SIGTERM),
    ("comparison.npz", signal.SIGKILL),
    ("model.pth", signal.SIGTERM),
    ("report.json", signal.SIGKILL),
    ("../{name}.tif.partial", signal.SIGKILL),
)
"""What a run has just written in its folder when it is ended, and how."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "stages"),
    [
        (["lda", "svm", "svm-on-spectra"], STAGES),
        (["lda", "cnn2d"], STAGES[2:]),  # a network is trained anew, to the same weights
    ],
)
def test_ended_anywhere_it_goes_on_to_the_same_bytes(tmp_path, repository, models, stages):
    cube, truth = write_scene(simulate_scene(48, 48, 24, classes=4), tmp_path)
    with rasterio.open(truth) as file:
        known, profile = file.read(1), file.profile
    few = np.zeros_like(known)
    for label in range(1, 5):
        few.flat[np.random.default_rng(label).choice(np.flatnonzero(known == label), 15, replace=False)] = label
    with rasterio.open(tmp_path / "few.tif", "w", **profile) as file:
        file.write(few, 1)

    def command(name, *options):
        arguments = ["classify", cube, tmp_path / "few.tif", "--out", tmp_path / f"{name}.tif", "--minutes", 60]
        arguments += ["--folds", 2, "--models", *models, "--quiet", *options]
        environment = dict(os.environ, PYTHONPATH=str(repository), OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore")
        return subprocess.Popen([sys.executable, "-m", "mmhsi", *map(str, arguments)], env=environment, cwd=repository)

    assert command("whole").wait() == 0
    wanted = [(tmp_path / f"whole{end}").read_bytes() for end in OUTPUTS]
    assert len(json.loads((tmp_path / "whole.tif.work/report.json").read_text())["weights"]) > 1
    for number, (stage, how) in enumerate(stages):
        name = f"run{number}"
        written = tmp_path / f"{name}.tif.work" / stage.format(name=name)
        run = command(name)
        while run.poll() is None and not written.exists():
            time.sleep(0.005)
        run.send_signal(how)
        assert run.wait() == (AGAIN if how == signal.SIGTERM else -how), stage
        assert command(name, "--resume").wait() == 0
        assert [(tmp_path / f"{name}{end}").read_bytes() for end in OUTPUTS] == wanted, stage
