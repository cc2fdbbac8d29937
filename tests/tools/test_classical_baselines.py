"""tools/analysis/classical_baselines.py on generated scenes."""

import json

import numpy as np
import pytest
from mmengine.logging import MMLogger
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

from mmhsi.datasets import SceneDataset

TOOL = "analysis/classical_baselines"
DEMO = "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"


@pytest.fixture(autouse=True)
def _restore_log_level():
    logger = MMLogger.get_current_instance()
    level = logger.level
    yield
    logger.setLevel(level)


def test_nearest_neighbours_by_brute_force(run_tool, place, tmp_path):
    out = tmp_path / "deep/report.json"
    assert run_tool(TOOL, DEMO, "--model", "knn", "--features", "spectra", "--seeds", 3, "--out", out) == 0
    report = json.loads(out.read_text())
    (run,) = report["rows"][0]["runs"]

    split = dict(type="FewShotSplit", per_class=20, seed=3)
    dataset = SceneDataset(scene="demo", data_root=place, subset="train", split=split)
    pixels = dataset.cube.data.reshape(-1, 56).astype(float)
    pixels = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
    labels, train, test = dataset.labels.ravel(), dataset.split.train, dataset.split.test
    distance = ((pixels[test, None] - pixels[train]) ** 2).sum(axis=-1)
    nearest = labels[train][np.argsort(distance, axis=1, kind="stable")[:, : int(run["params"]["n_neighbors"])]]
    votes = (nearest[..., None] == np.arange(8)).sum(axis=1).argmax(axis=1)
    assert run["metrics"]["OA"] == pytest.approx(100 * (votes == labels[test]).mean())
    assert run["metrics"]["AA"] == pytest.approx(100 * balanced_accuracy_score(labels[test], votes))
    assert run["metrics"]["Kappa"] == pytest.approx(100 * cohen_kappa_score(labels[test], votes))
    assert report["protocols"] == [f"{dataset.split.protocol}: {len(train)} training, {len(test)} test pixels"]


def test_table_of_all_models_and_features(run_tool, place, tmp_path, capsys):
    names = ["spectra", "mean", "emp", "spectra+emp"]
    options = ["train_dataloader.dataset.split.per_class=3", "test_dataloader.dataset.split.per_class=3"]
    common = [TOOL, DEMO, "--components", 2, "--radii", 1, 3, "--trees", 20, "--seeds", 0, 1, "--cfg-options", *options]
    out = tmp_path / "r.json"
    assert run_tool(*common, "--model", "svm", "rf", "knn", "--features", *names, "--out", out) == 0
    printed = capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert [row["num_features"] for row in rows[::3]] == [56, 56, 10, 66]
    for row in rows:
        assert [run["seed"] for run in row["runs"]] == [0, 1]
        first, second = (run["metrics"]["OA"] for run in row["runs"])
        cell = f"{(first + second) / 2:.2f} ± {abs(first - second) / 2:.2f}"
        assert f"| {row['model']} | {row['features']} | {row['num_features']} | {cell} |" in printed
        assert first > 30  # of 8 classes, from 3 pixels each
    assert "3 random training pixels a class, seed 1, all other labelled pixels test: 24 training" in printed

    again = tmp_path / "again.json"
    assert run_tool(*common, "--model", "rf", "--features", "emp", "--out", again) == 0
    runs = [row["runs"] for row in rows if (row["model"], row["features"]) == ("rf", "emp")]
    repeated = json.loads(again.read_text())["rows"][0]["runs"]
    assert [run["metrics"] for run in repeated] == [run["metrics"] for run in runs[0]]


def test_a_second_source_is_put_behind_the_bands(run_tool, place, tmp_path):
    config = ["configs/comparison/cnn2d.py", "--dataset", "houston2018-crop-rgb_20-per-class"]
    out = tmp_path / "r.json"
    assert run_tool(TOOL, *config, "--model", "knn", "--features", "spectra", "--out", out) == 0
    assert json.loads(out.read_text())["rows"][0]["num_features"] == 51


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["configs/mae/mae_hsi-vit-tiny-p3_demo.py"], "has no test_evaluator"),
        ([DEMO, "--features", "spectra+median"], "'median' is unknown"),
        ([DEMO, "--features", "mean", "--mean-window", 4], "window=4"),
        ([DEMO, "--features", "emp", "--radii", 0], "radii=(0,)"),
        ([DEMO, "--cfg-options", "train_dataloader.dataset.split.per_class=1"], "svm: cross-validation needs at least"),
        (["configs/none.py"], "configs/none.py"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run_tool, place, capfd, arguments, message):
    assert run_tool(TOOL, *arguments) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
