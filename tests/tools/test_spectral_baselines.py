"""tools/analysis/spectral_baselines.py on generated tiles."""

import json

import numpy as np
import pytest
from mmengine.logging import MMLogger
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

from mmhsi.datasets import TileDataset

TOOL = "analysis/spectral_baselines"
TILES = "configs/segmentation/hsi-vit-tiny-p2_linear.py"


@pytest.fixture(autouse=True)
def _restore_log_level():
    logger = MMLogger.get_current_instance()
    level = logger.level
    yield
    logger.setLevel(level)


def labelled_pixels(place, subset):
    """Spectra and classes of all labelled pixels, tile by tile."""
    steps = [dict(type="LoadCube"), dict(type="LoadLabels")]
    tiles = TileDataset(scene="enmap_potsdam", data_root=place, subset=subset, pipeline=steps)
    read = [tiles[index] for index in range(len(tiles))]
    pixels = []
    for tile in read:
        labelled = tile["gt_seg_map"] != 255
        pixels.append((tile["img"][labelled].astype(np.float32), tile["gt_seg_map"][labelled]))
    return tuple(map(np.concatenate, zip(*pixels, strict=True)))


def test_an_svm_chooses_its_parameters_by_folds_of_tiles(run_tool, place, tmp_path):
    out = tmp_path / "r.json"
    assert run_tool(TOOL, TILES, "--dataset", "enmap-potsdam", "--model", "svm", "--out", out) == 0
    (run,) = json.loads(out.read_text())["rows"][0]["runs"]
    assert run["metrics"]["OA"] > 90  # classes lie half a standard deviation apart in each of 218 bands
    assert run["params"]["C"] in 10.0 ** np.arange(6)


def test_forest_by_hand(run_tool, place, tmp_path, capsys):
    out = tmp_path / "deep/report.json"
    words = ["--dataset", "enmap-potsdam", "--model", "rf", "--trees", 10, "--seeds", 0, 1, "--out", out]
    assert run_tool(TOOL, TILES, *words) == 0
    (row,) = json.loads(out.read_text())["rows"]
    (train, labels), (test, truth) = labelled_pixels(place, "train"), labelled_pixels(place, "test")
    mean, std = train.mean(axis=0), train.std(axis=0)
    for seed, run in enumerate(row["runs"]):
        forest = RandomForestClassifier(n_estimators=10, random_state=seed).fit((train - mean) / std, labels)
        predicted = forest.predict((test - mean) / std)
        assert run["metrics"]["OA"] == pytest.approx(100 * (predicted == truth).mean())
        assert run["metrics"]["AA"] == pytest.approx(100 * balanced_accuracy_score(truth, predicted))
        assert run["metrics"]["Kappa"] == pytest.approx(100 * cohen_kappa_score(truth, predicted))
    first, second = (run["metrics"]["OA"] for run in row["runs"])
    assert f"| rf | {(first + second) / 2:.2f} ± {abs(first - second) / 2:.2f} |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["configs/mae/mae_hsi-vit-tiny-p3_demo.py"], "has no test_evaluator"),
        (["configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"], "gives no tiles"),
        (["configs/none.py"], "configs/none.py"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run_tool, place, capfd, arguments, message):
    assert run_tool(TOOL, *arguments) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
