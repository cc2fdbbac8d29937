"""Predictions of any form give scikit-learn's figures on the test pixels of a split."""

import csv
import dataclasses
import json
import re

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
from mmhsi.inference.stac import check_training, write_item
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


def test_a_map_of_a_label_raster_without_names_is_read_by_its_ids(generated_data, tmp_path):
    dataset = SceneDataset("salinas_a", generated_data, subset="test", split=FewShotSplit(3, seed=1))
    truth = np.where(dataset.labels == 255, 0, dataset.labels)
    guess = np.where(np.random.default_rng(0).random(truth.shape) < 1 / 3, (truth + 1) % 6, truth)
    ids = np.array(dataset.spec.label_ids)
    names = [f"class {label}" for label in ids]
    palette = [(1, 2, 3)] * len(ids)
    with ClassMapWriter(tmp_path / "map.tif", guess.shape, class_names=names, class_ids=ids, palette=palette) as writer:
        writer.write_rows(0, ids[guess])
    found = score(tmp_path / "map.tif", dataset).percentages()
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
    seeds = range(5)
    paths = [as_ids(tmp_path / f"{seed}.tif", dataset, guess) for seed in seeds]
    data = ("--dataset", "houston2018-crop_5-per-class", "--seeds")
    board = tmp_path / "board.json"

    def row(method, source):
        return "--out", board, "--method", method, "--source", source

    def refused(*words):
        before = board.read_text() if board.exists() else None
        capsys.readouterr()
        assert run_tool("score", *words) == 2
        assert (board.read_text() if board.exists() else None) == before
        return capsys.readouterr().err

    assert "lacks seed 1, 2, 3, 4; a row has seeds 0 to 4" in refused(*paths[:1], *data, 0, *row("mine", "s"))
    assert "lacks seed 4 and has seed 99" in refused(*paths, *data, 0, 1, 2, 3, 99, *row("mine", "s"))
    assert run_tool("score", *paths, *data, *seeds, *row("mine", "example.org/mine")) == 0
    assert "5 random training pixels a class" in capsys.readouterr().out
    (entry,) = read_board(board)
    assert (entry.method, entry.sees, list(entry.by_seed)) == ("mine", "HSI", ["0", "1", "2", "3", "4"])

    taken = refused(*paths, *data, *seeds, *row("Mine", "example.org/mine"))
    assert "has a row mine on houston2018-crop_5-per-class already; --replace" in taken
    other = refused(*paths, *data, *seeds, *row("mine", "example.org/other"), "--replace")
    assert "of another source, example.org/mine" in other
    assert "blanks around it" in refused(*paths, *data, *seeds, *row("mine ", "example.org/mine"))
    assert run_tool("score", *paths, *data, *seeds, *row("Mine", "example.org/mine"), "--replace") == 0
    assert [entry.method for entry in read_board(board)] == ["Mine"]

    assert run_tool("score", *paths[:1], *data, 3) == 0  # figures without a row are of any seeds
    assert "expected one seed a file" in refused(*paths, *data[:2])
    assert "no such data" in refused(paths[0], "--dataset", "houston2018-crop_5-pr-class")
    assert "seed=-1 given, expected a whole number from 0" in refused(paths[0], *data, -1)


def test_a_map_of_another_splits_model_is_refused(dataset, guess, tmp_path, generated_data):
    def of(path, spec):
        item = dict(palette=[(1, 2, 3)] * spec.num_classes, ids=None, digest=("a", "b"), scene=path)
        write_item(dict(classes=path), spec=spec, **item)

    path = as_named_map(tmp_path / "map.tif", dataset, guess)
    check_training(path, dataset.spec)  # of a map without an item nobody knows
    of(path, dataset.spec)
    check_training(path, dataset.spec)
    check_training(tmp_path / "map.npy", dataset.spec)  # the item is of the GeoTIFF beside it
    of(path, dataclasses.replace(dataset.spec, scene="elsewhere", protocol="all pixels"))
    check_training(path, dataset.spec)  # weights of other scenes may be used
    other = SceneDataset("houston2018_crop", generated_data, subset="test", split=FewShotSplit(3, seed=2)).spec
    of(path, other)
    with pytest.raises(
        DataError, match=r"map\.stac\.json says: 3 random .*, seed 2, .*; expected 3 random .*, seed 1,"
    ):
        check_training(path, dataset.spec)
    (tmp_path / "map.stac.json").write_text('{"type": "Feature"}')
    check_training(path, dataset.spec)


def entry(method, by_seed):
    figures = dict(AA=1.0, Kappa=1.0, mIoU=1.0)
    return Entry("whu-ohs", method, "HSI", "x", {seed: dict(figures, OA=value) for seed, value in by_seed.items()})


def test_pairs_by_hand():
    assert paired({"0": 90.0, "1": 92.0, "7": 1.0}, {"1": 91.0, "0": 90.4}) == "+0.3 ± 0.7 (1 of 2)"
    assert paired({"0": 1.0}, {"1": 1.0}) == ""
    table = tabulate_board([entry("a", {"0": 90.0, "1": 92.0}), entry("b", {"0": 95.0})], "a")
    lines = [line for line in table.splitlines() if line.startswith(("| a", "| b"))]
    assert lines[0].startswith("| b (x) | HSI | 95.0 |")
    assert lines[0].endswith("| 1 | +5.0 (1 of 1) |")
    assert "| 91.0 ± 1.4 |" in lines[1]


FIGURES = dict(OA=90.0, AA=1.0, Kappa=-3.0, mIoU=1.0)
ROW = dict(dataset="whu-ohs", method="m", sees="HSI", source="s", by_seed={"0": FIGURES, "1": FIGURES})
FIXED = dict(ROW, dataset="salinas-a_disjoint", by_seed={str(seed): FIGURES for seed in range(8)})


def with_figures(seed, **figures):
    return dict(ROW, by_seed={seed: {**FIGURES, **figures}})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({}, "holds a dict, expected a list of rows"),
        ([ROW, 1], "row 2 has not exactly dataset, method, sees, source, by_seed"),
        ([{name: value for name, value in ROW.items() if name != "source"}], "row 1 has not exactly"),
        ([dict(ROW, seed=1)], "row 1 has not exactly"),
        ([dict(ROW, method="a|b")], "row 1: method='a|b'"),
        ([dict(ROW, method="a\nb")], "expected a line of text"),
        ([dict(ROW, source=" s")], "source=' s'"),
        ([dict(ROW, dataset="whu-osh")], "no such data; nearest: 'whu-ohs'"),
        ([dict(ROW, by_seed={})], "m on whu-ohs: has no figures by seed"),
        ([dict(ROW, by_seed={"0": {}})], "seed 0: expected OA, AA, Kappa, mIoU, and nothing else"),
        ([with_figures("0", F1=3.0)], "and nothing else"),
        ([with_figures("0", OA=150)], "OA is 150, expected per cent, 0 to 100"),
        ([with_figures("0", OA=-5)], "OA is -5, expected per cent"),
        ([with_figures("0", OA="90")], "OA is '90', expected per cent"),
        ([with_figures("00")], "seed '00', expected a whole number such as"),
        ([with_figures("²")], "seed '²', expected a whole number"),
        ([with_figures("-1")], "seed '-1', expected a whole number"),
        ([with_figures("1")], "lacks seed 0 and has seed 1"),
        ([dict(FIXED, by_seed={"0": FIGURES})], "lacks seed 1, 2, 3, 4, 5, 6, 7; a row has seeds 0 to 7"),
        ([dict(FIXED, by_seed={**FIXED["by_seed"], "8": FIGURES})], "has seed 8; a row has seeds 0 to 7"),
        ([ROW, FIXED, dict(ROW, method="M")], "row 3: M on whu-ohs has a row already"),
    ],
)
def test_a_damaged_board_is_one_line(rows, said, tmp_path):
    write_json(tmp_path / "board.json", [ROW, FIXED])
    assert len(read_board(tmp_path / "board.json")) == 2
    write_json(tmp_path / "board.json", rows)
    with pytest.raises(DataError, match=re.escape(said)) as caught:
        read_board(tmp_path / "board.json")
    assert str(caught.value).startswith(f"{tmp_path}/board.json: ")
    assert len(str(caught.value).splitlines()) == 1


def test_page_shows_the_board(capsys, run_tool):
    assert run_tool("benchmarks/leaderboard") == 0
    assert capsys.readouterr().out == (REPOSITORY / "docs/leaderboard.md").read_text()
    configs = {path.stem for path in (REPOSITORY / "configs/_base_/datasets").glob("*.py")}
    assert {row["dataset"] for row in json.loads((REPOSITORY / "docs/leaderboard.json").read_text())} <= configs


def test_other_data_sets_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="list has no test pixels"):
        score(tmp_path, [])
