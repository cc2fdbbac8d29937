"""The benchmark of encoders across sensors: who has seen what, its scores, and its table."""

import json

import mixed_transfer as bench
import numpy as np
import pytest
from mmengine.config import Config

from mmhsi.config_files import DATASET

NAMES = ["abu-airport-2", "salinas-a", "houston2018-crop", "enmap-potsdam"]


@pytest.fixture
def short(monkeypatch):
    """Trainings of one epoch on one split."""
    monkeypatch.setenv(DATASET, "salinas-a_20-per-class")  # which the benchmark sets
    monkeypatch.setattr(bench, "PROTOCOLS", {"20-per-class": range(1)})
    found = bench.on_scene

    def on_scene(*args):
        cfg = found(*args)
        cfg.train_cfg.max_epochs = 1
        cfg.model.tta = False
        return cfg

    monkeypatch.setattr(bench, "on_scene", on_scene)


def test_other_sensors_are_other_sensors():
    seen = bench.corpora(NAMES, "salinas-a")
    assert seen["on other sensors"] == ["houston2018-crop", "enmap-potsdam"]  # Airport-Beach-Urban is AVIRIS's, too
    assert seen["pretrained on it alone"] == ["salinas-a"]
    assert seen["on all scenes"] == NAMES
    assert seen[bench.UNTRAINED] == []


def test_encoders_of_different_scenes_have_different_folders(tmp_path):
    seen = [scenes for scene in bench.SCENES for scenes in bench.corpora(NAMES, scene).values() if scenes]
    distinct = {tuple(scenes) for scenes in seen}
    assert len({bench.folder_of(tmp_path, scenes) for scenes in distinct}) == len(distinct)


def test_table_pairs_what_is_finished(tmp_path):
    values = {bench.UNTRAINED: [60.0, 62.0, 64.0], "on all scenes": [61.0, 62.5, 63.0]}
    for encoder, found in values.items():
        base = tmp_path / "scores/salinas-a" / encoder.replace(" ", "-")
        base.mkdir(parents=True)
        (base / "frozen.json").write_text(json.dumps({"20-per-class k-NN": found}))
        for seed, value in enumerate(found[:2]):
            (base / f"disjoint_{seed}.json").write_text(json.dumps(value))
    lines = bench.table(NAMES, tmp_path).splitlines()
    rows = {tuple(line.split(" | ")[:2]): line.strip("| ").split(" | ") for line in lines}
    row = rows["| salinas-a", "on all scenes"]
    column = lines[0].strip("| ").split(" | ").index
    # Differences 1, 0.5, -1: mean 1/6, standard deviation √(13/12), over √3.
    assert row[column("20 a class, k-NN")] == "62.2 ± 1.0, n = 3 (+0.2 ± 0.6, 2 of 3)"
    assert row[column("disjoint, trained")] == "61.8 ± 1.1, n = 2 (+0.8 ± 0.2, 2 of 2)"  # 1, 0.5
    assert row[column("disjoint, linear")] == "not measured"


@pytest.mark.slow
def test_encoders_are_trained_once_and_scored(generated_data, monkeypatch, tmp_path, short):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    seen = ["houston2018-crop", "salinas-a"]
    bench.pretrain(bench.PRETRAINING, seen, 2, 4, tmp_path)
    checkpoint = bench.folder_of(tmp_path, seen) / "encoder.pth"
    written = checkpoint.stat().st_mtime_ns
    bench.pretrain(bench.PRETRAINING, seen, 2, 4, tmp_path)
    assert checkpoint.stat().st_mtime_ns == written
    scores = bench.frozen(bench.PRETRAINING, "salinas-a", checkpoint)
    assert set(scores) == {"20-per-class k-NN", "20-per-class linear"}
    assert all(0 <= value <= 100 for values in scores.values() for value in values)
    accuracy = bench.trained(bench.PRETRAINING, "salinas-a", checkpoint, "20-per-class", 0, tmp_path / "run")
    assert 0 <= accuracy <= 100
    assert np.isfinite(accuracy)
    assert Config.fromfile(next((tmp_path / "run").glob("*.py"))).model.backbone.init_cfg.checkpoint == str(checkpoint)
