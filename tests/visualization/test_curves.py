"""Curves of training runs."""

import json

import numpy as np
import pytest
from PIL import Image

from mmhsi.errors import DataError
from mmhsi.visualization.curves import read_curve, read_scalars, save_curves


def log(folder, name, entries):
    path = folder / name / "vis_data" / "scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(dict(zip(("step", "epoch", "loss"), e, strict=True))) + "\n" for e in entries))


def test_steps_of_an_epoch_are_averaged_and_a_repeated_step_counts_once(tmp_path):
    log(tmp_path, "1", [(1, 1, 4.0), (2, 1, 2.0), (3, 2, 9.0)])
    log(tmp_path, "2", [(3, 2, 1.0), (4, 2, 2.0)])  # resumed after step 2
    assert read_curve(tmp_path, "loss").tolist() == [[1, 3], [2, 1.5]]
    with pytest.raises(DataError, match="logged no 'OA'"):
        read_curve(tmp_path, "OA")


def test_picture(tmp_path):
    curves = [np.array([[1.0, 3], [2, 2], [3, 1]]), np.array([[1.0, 4], [2, 2]])]
    save_curves(tmp_path / "a.png", {"scratch": curves, "pretrained": curves[:1]}, "loss")
    save_curves(tmp_path / "b.png", {"scratch": curves}, "loss")
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert first.shape == second.shape
    assert (first != second).any()
    with pytest.raises(DataError, match="no curves"):
        save_curves(tmp_path / "c.png", {}, "loss")
    assert not (tmp_path / "c.png").exists()


def test_every_logged_value_step_by_step(tmp_path):
    log(tmp_path, "1", [(1, 1, 4.0), (2, 1, 2.0), (3, 2, 9.0)])
    with (tmp_path / "1/vis_data/scalars.json").open("a") as file:
        file.write('{"OA": 50.0, "step": 2}\n{"lr": 0.1, "iter": 3, "epoch": 2, "step": 3, "name": "x"}\n')
    log(tmp_path, "2", [(3, 2, 1.0)])
    found = {key: (unit, curve.tolist()) for key, (unit, curve) in read_scalars(tmp_path).items()}
    assert found == {
        "OA": ("epoch", [[2, 50]]),
        "loss": ("epoch", [[1, 4], [2, 2], [3, 1]]),
        "lr": ("iteration", [[3, 0.1]]),
    }
    with (tmp_path / "1/vis_data/scalars.json").open("a") as file:
        file.write('{"lr": 0.7, "st')  # torn, as a kill leaves it
    assert {key: (unit, curve.tolist()) for key, (unit, curve) in read_scalars(tmp_path).items()} == found
    (tmp_path / "1/vis_data/scalars.json").write_text("{\n{}")
    with pytest.raises(DataError, match="line 1 is no record"):
        read_scalars(tmp_path)
