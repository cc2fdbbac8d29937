"""Predictions of any form give scikit-learn's figures on the test pixels of a split."""

import csv
import json

import numpy as np
import pytest
import rasterio
from scripts import REPOSITORY
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score

from mmhsi.datasets import SceneDataset, TileDataset
from mmhsi.datasets.splits import FewShotSplit
from mmhsi.errors import ConfigError, DataError
from mmhsi.evaluation.leaderboard import Entry, paired, read_board, tabulate_board
from mmhsi.evaluation.scoring import score
from mmhsi.io import ClassMapWriter
from mmhsi.io.files import write_json


@pytest.fixture(scope="module")
def dataset(generated_data):
    return SceneDataset("houston2018_crop", generated_data, subset="test", split=FewShotSplit(3, seed=1))


@pytest.fixture(scope="module")
def guess(dataset):
    """Class indices, a third of them drawn."""
    rng = np.random.default_rng(0)
    truth = np.where(dataset.labels == 255, 0, dataset.labels)
    drawn = rng.integers(0, dataset.spec.num_classes, truth.shape)
    return np.where(rng.random(truth.shape) < 1 / 3, drawn, truth)


def expected(dataset, guess):
    true, found = dataset.labels.ravel()[dataset.pixels], guess.ravel()[dataset.pixels]
    figures = accuracy_score(true, found), balanced_accuracy_score(true, found), cohen_kappa_score(true, found)
    return dict(zip(("OA", "AA", "Kappa"), (100 * figure for figure in figures), strict=True))


def as_named_map(path, dataset, guess):
    """In another order of classes, under ids of its own."""
    order = np.random.default_rng(1).permutation(dataset.spec.num_classes)
    ids = 10 + 3 * np.arange(len(order))
    names = [dataset.spec.classes[index] for index in order]
    with ClassMapWriter(path, guess.shape, class_names=names, class_ids=ids, palette=[(1, 2, 3)] * len(ids)) as writer:
        writer.write_rows(0, ids[np.argsort(order)][guess])
    return path


def as_ids(path, dataset, guess):
    np.save(path.with_suffix(".npy"), np.array(dataset.spec.label_ids)[guess])
    return path.with_suffix(".npy")


def as_table(path, dataset, guess):
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "column", "class"])
        for row, column in zip(*np.divmod(dataset.pixels, guess.shape[1]), strict=True):
            writer.writerow([row, column, dataset.spec.classes[guess[row, column]]])
    return path.with_suffix(".csv")


@pytest.mark.parametrize("write", [as_named_map, as_ids, as_table])
def test_scene_equals_scikit_learn(write, dataset, guess, tmp_path):
    found = score(write(tmp_path / "map.tif", dataset, guess), dataset).percentages()
    for name, value in expected(dataset, guess).items():
        assert found[name] == pytest.approx(value)


def test_a_pixel_without_prediction_is_refused(dataset, guess, tmp_path):
    ids = np.array(dataset.spec.label_ids)[guess]
    ids.ravel()[dataset.pixels[5]] = dataset.spec.ignore_ids[0]
    np.save(tmp_path / "map.npy", ids)
    row, column = divmod(int(dataset.pixels[5]), guess.shape[1])
    with pytest.raises(DataError, match=rf"map\.npy: 1 of {len(dataset.pixels)} .* row {row}, column {column}"):
        score(tmp_path / "map.npy", dataset)


def test_a_foreign_class_is_refused(dataset, guess, tmp_path):
    with ClassMapWriter(tmp_path / "map.tif", guess.shape, class_names=["moon"], palette=[(1, 2, 3)]) as writer:
        writer.write_rows(0, np.zeros_like(guess))
    with pytest.raises(DataError, match="names class 'moon'"):
        score(tmp_path / "map.tif", dataset)


def test_tiles_are_scored_together(generated_data, tmp_path):
    dataset = TileDataset("enmap_potsdam", subset="test", data_root=str(generated_data))
    ids, right, total = np.array(dataset.spec.label_ids), 0, 0
    from mmhsi.datasets.transforms.loading import read_classes

    for index in range(len(dataset)):
        entry = dataset.get_data_info(index)
        truth = read_classes(entry)
        guess = np.where(np.random.default_rng(index).random(truth.shape) < 0.5, 0, np.where(truth == 255, 0, truth))
        right, total = right + int((guess == truth)[truth != 255].sum()), total + int((truth != 255).sum())
        with rasterio.open(entry["img_path"]) as cube:
            place = dict(crs=cube.crs, transform=cube.transform, height=cube.height, width=cube.width)
        name = tmp_path / (entry["img_path"].rpartition("/")[2].rpartition(".")[0] + ".tif")
        with rasterio.open(name, "w", driver="GTiff", count=1, dtype="uint8", **place) as file:
            file.write(ids[guess].astype(np.uint8), 1)
    assert score(tmp_path, dataset).percentages()["OA"] == pytest.approx(100 * right / total)
    name.unlink()
    with pytest.raises(DataError, match=f"no predictions of tile {name.stem}"):
        score(tmp_path, dataset)


def test_command_adds_a_row(place, dataset, guess, tmp_path, capsys, run_tool):
    del place
    paths = [as_ids(tmp_path / f"{seed}.tif", dataset, guess) for seed in (0, 1)]
    data = ("--dataset", "houston2018-crop_5-per-class", "--seeds", 0, 1)
    board = tmp_path / "board.json"
    row = ("--out", board, "--method", "mine", "--source", "example.org/mine")
    assert run_tool("score", *paths, *data, *row) == 0
    assert "5 random training pixels a class" in capsys.readouterr().out
    assert run_tool("score", *paths[:1], *data[:3], 0, *row) == 0  # in place of the first
    (entry,) = read_board(board)
    assert (entry.method, entry.sees, list(entry.by_seed)) == ("mine", "HSI", ["0"])
    assert run_tool("score", *paths, *data[:2]) == 2
    assert run_tool("score", paths[0], "--dataset", "houston2018-crop_5-pr-class") == 2


def entry(method, by_seed):
    figures = dict(AA=1.0, Kappa=1.0, mIoU=1.0)
    return Entry("data", method, "HSI", "x", {seed: dict(figures, OA=value) for seed, value in by_seed.items()})


def test_pairs_by_hand():
    assert paired({"0": 90.0, "1": 92.0, "7": 1.0}, {"1": 91.0, "0": 90.4}) == "+0.3 ± 0.7 (1 of 2)"
    assert paired({"0": 1.0}, {"1": 1.0}) == ""
    table = tabulate_board([entry("a", {"0": 90.0, "1": 92.0}), entry("b", {"0": 95.0})], "a")
    lines = [line for line in table.splitlines() if line.startswith(("| a", "| b"))]
    assert lines[0].startswith("| b (x) | HSI | 95.0 |")
    assert lines[0].endswith("| 1 | +5.0 (1 of 1) |")
    assert "| 91.0 ± 1.4 |" in lines[1]


@pytest.mark.parametrize("row", [dict(method="a|b"), dict(method="a\nb"), dict(by_seed={}), dict(by_seed={"0": {}})])
def test_a_damaged_board_is_one_line(row, tmp_path):
    good = dict(dataset="d", method="m", sees="HSI", source="s", by_seed={"0": dict(OA=1, AA=1, Kappa=1, mIoU=1)})
    write_json(tmp_path / "board.json", [good | row])
    with pytest.raises(DataError):
        read_board(tmp_path / "board.json")


def test_page_shows_the_board(capsys, run_tool):
    assert run_tool("benchmarks/leaderboard") == 0
    assert capsys.readouterr().out == (REPOSITORY / "docs/leaderboard.md").read_text()
    configs = {path.stem for path in (REPOSITORY / "configs/_base_/datasets").glob("*.py")}
    assert {row["dataset"] for row in json.loads((REPOSITORY / "docs/leaderboard.json").read_text())} <= configs


def test_other_data_sets_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="list has no test pixels"):
        score(tmp_path, [])
