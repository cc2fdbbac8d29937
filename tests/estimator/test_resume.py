"""A command that is killed or ended by a scheduler and goes on gives the map of one that was not."""

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

POINTS = {"plan.json": True, "comparison.npz": False, "model.pth": True, "report.json": False}
"""Files behind whose writing the run is ended, and whether by SIGTERM in place of SIGKILL."""


@pytest.mark.slow
def test_killed_anywhere_it_goes_on_to_the_same_bytes(tmp_path, repository):
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
        arguments += ["--models", "lda", "svm", "svm-on-spectra", "--quiet", *options]
        environment = dict(os.environ, PYTHONPATH=str(repository), OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore")
        return subprocess.Popen([sys.executable, "-m", "mmhsi", *map(str, arguments)], env=environment, cwd=repository)

    assert command("whole").wait() == 0
    wanted = [(tmp_path / name).read_bytes() for name in ("whole.tif", "whole.probabilities.tif", "whole.doubt.tif")]
    for point, asked in POINTS.items():
        name = point.split(".")[0]
        run = command(name)
        while run.poll() is None and not (tmp_path / f"{name}.tif.work" / point).exists():
            time.sleep(0.01)
        run.send_signal(signal.SIGTERM if asked else signal.SIGKILL)
        assert run.wait() == (AGAIN if asked else -signal.SIGKILL), point
        assert command(name, "--resume").wait() == 0
        found = [(tmp_path / f"{name}{end}.tif").read_bytes() for end in ("", ".probabilities", ".doubt")]
        assert found == wanted, point
