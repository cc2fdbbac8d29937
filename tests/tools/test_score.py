"""Scores of handed-in predictions against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.splits import FewShotSplit
from mmhsi.datasets.splits.split_file import save_split
from mmhsi.io import ClassMapWriter

IDS = np.arange(1, 9)


@pytest.fixture
def task(place, tmp_path):
    """The demo scene, a split of it in a file, and guesses, half of them right."""
    dataset = SceneDataset(scene="demo", data_root=place, subset="test", split=FewShotSplit(per_class=3))
    save_split(tmp_path / "split.npz", dataset.split)
    rng = np.random.default_rng(0)
    guesses = np.where(rng.random(dataset.labels.shape) < 0.5, dataset.labels, rng.integers(0, 8, dataset.labels.shape))
    guesses = np.where(dataset.labels == 255, 0, guesses)
    options = ["--scene", "demo", "--root", place, "--split", tmp_path / "split.npz"]
    return dataset, guesses, options


@pytest.mark.parametrize("form", ["map.npy", "list.npy", "map.tif"])
def test_figures_are_those_of_the_test_pixels_alone(task, run_tool, tmp_path, form):
    dataset, guesses, options = task
    test = dataset.split.test
    truth, answers = dataset.labels.ravel()[test], guesses.ravel()[test]
    if form == "map.tif":
        facts = dict(class_names=list(dataset.spec.classes), palette=[(9, 9, 9)] * 8, class_ids=IDS.tolist(), nodata=0)
        with ClassMapWriter(tmp_path / form, guesses.shape, **facts) as writer:
            writer.write_rows(0, IDS[guesses])
    else:
        np.save(tmp_path / form, IDS[answers if form == "list.npy" else guesses])
    assert run_tool("score", tmp_path / form, *options, "--out", tmp_path / "r.json") == 0
    metrics = json.loads((tmp_path / "r.json").read_text())["metrics"]
    assert metrics["OA"] == pytest.approx(100 * accuracy_score(truth, answers))
    assert metrics["AA"] == pytest.approx(100 * balanced_accuracy_score(truth, answers))
    assert metrics["Kappa"] == pytest.approx(100 * cohen_kappa_score(truth, answers))


def test_what_says_nothing_of_a_test_pixel_is_refused(task, run_tool, tmp_path, capsys):
    dataset, guesses, options = task
    silent = IDS[guesses]
    silent.ravel()[dataset.split.test[4]] = 0
    for values, said in (
        (silent, "1 of"),
        (silent[:3], "shape (3, 40)"),
        (silent.astype(float), "float64"),
        (IDS[guesses].ravel()[:5], "shape (5,)"),
    ):
        np.save(tmp_path / "p.npy", values)
        assert run_tool("score", tmp_path / "p.npy", *options) == 2
        assert said in capsys.readouterr().err
    silent.ravel()[dataset.split.test[4]] = 1
    silent.ravel()[dataset.split.train] = 0  # what was given for training is not asked for
    np.save(tmp_path / "p.npy", silent)
    assert run_tool("score", tmp_path / "p.npy", *options) == 0
