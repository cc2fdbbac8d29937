"""A network on channels of tiles: training, test and map beside channels and layers that are computed by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from mmengine.config import Config
from scene_models import FCN

from mmhsi.datasets.transforms import SceneChannels
from mmhsi.engine import build_runner
from mmhsi.errors import ConfigError
from mmhsi.inference import scene_rows
from mmhsi.inference.feature_extractor import FeatureExtractor
from mmhsi.models.weights import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROUPS = ["spectra", "emp", "ms", "words"]
WIDTH = 40
LEFT, RIGHT = (0, 0, WIDTH, 20), (0, 20, WIDTH, 20)
SIDE, CLASSES = 10, 8


def config(data: Path) -> dict:
    """Two epochs on windows of the left half of the demo scene; the right half, whole, for validation and test."""
    channels = dict(type="SceneChannels", groups=GROUPS, cache_mb=64)
    read = [dict(type="LoadCube"), dict(type="LoadLabels"), channels]
    scene = dict(type="TileDataset", scene="demo", data_root=str(data))
    right = dict(scene, region=RIGHT, pipeline=[*read, dict(type="PackTile")])
    turned = [*read, dict(type="RandomDihedral"), dict(type="PackTile")]
    loader = dict(batch_size=1, num_workers=0)
    fixed = dict(loader, sampler=dict(type="DefaultSampler", shuffle=False), dataset=right)
    return dict(
        default_scope="mmhsi",
        model=dict(
            type="EncoderDecoder",
            data_preprocessor=dict(type="TilePreprocessor"),
            backbone=dict(type="OneConvolution", channels=6, kernel=1),
            decode_head=dict(num_classes=CLASSES, loss_decode=dict(type="CrossEntropyLoss"), **FCN),
            test_cfg=dict(mode="whole"),
        ),
        train_dataloader=dict(
            loader,
            batch_size=4,
            sampler=dict(type="SeededSampler"),
            dataset=dict(scene, region=LEFT, window=SIDE, pipeline=turned),
        ),
        val_dataloader=fixed,
        test_dataloader=fixed,
        val_evaluator=dict(type="LandCoverMetric"),
        test_evaluator=dict(type="LandCoverMetric"),
        train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=2),
        val_cfg=dict(),
        test_cfg=dict(),
        optim_wrapper=dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=0.02)),
        default_hooks=dict(checkpoint=dict(type="AtomicCheckpointHook", interval=2)),
        custom_hooks=[dict(type="FitPreprocessorHook"), dict(type="SeedIterationHook")],
        randomness=dict(seed=0),
    )


def part(cube: np.ndarray, row: int, column: int, height: int, width: int) -> tuple:
    image = cube[row : row + height, column : column + width]
    return image, np.ones(image.shape[:2], bool), None, 1


def channels(transform: SceneChannels, parts: tuple) -> np.ndarray:
    return transform(dict(img=parts[0], valid=parts[1]))["img"]


def predicted(state: dict, values: np.ndarray) -> np.ndarray:
    """Classes of channels (H, W, F) that have zero mean and unit variance: two 1 × 1 convolutions."""
    layers = [state[f"{name}.weight"].numpy()[:, :, 0, 0] for name in ("backbone.conv", "decode_head.conv_seg")]
    offsets = [state[f"{name}.bias"].numpy() for name in ("backbone.conv", "decode_head.conv_seg")]
    hidden = np.maximum(values @ layers[0].T + offsets[0], 0)
    return (hidden @ layers[1].T + offsets[1]).argmax(axis=2)


@pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
def test_test_and_map_are_the_network_on_channels_of_the_training(
    place: Path, run_tool: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, work_dir = tmp_path / "config.py", tmp_path / "out"
    Config(config(place)).dump(path)
    assert run_tool("train", path, "--work-dir", work_dir, "--report", tmp_path / "trained.json") == 0
    checkpoint = work_dir / "epoch_2.pth"
    assert run_tool("test", path, checkpoint, "--work-dir", tmp_path / "t", "--out", tmp_path / "tested.json") == 0
    assert "basis" not in (work_dir / "config.py").read_text()

    with rasterio.open(place / "demo/demo_cube.tif") as file:
        kept = np.array([file.tags(band).get("bbl", "1") != "0" for band in file.indexes])
        cube = file.read().transpose(1, 2, 0)[..., kept]
    tiles = [part(cube, row, column, SIDE, SIDE) for row in range(0, WIDTH, SIDE) for column in range(0, 20, SIDE)]
    fitted = SceneChannels(groups=GROUPS)
    fitted.fit(tiles)
    seen = np.concatenate([channels(fitted, tile).reshape(SIDE * SIDE, -1) for tile in tiles]).astype(np.float64)
    mean, std = seen.mean(axis=0), seen.std(axis=0)
    std[std == 0] = 1
    state = read_checkpoint(checkpoint)["state_dict"]

    with rasterio.open(place / "demo/demo_labels.tif") as file:
        labels = file.read(1)[:, 20:]
    found = predicted(state, (channels(fitted, part(cube, *RIGHT)) - mean) / std) + 1
    accuracy = 100 * (found == labels)[labels > 0].mean()
    for name in ("trained", "tested"):
        report = json.loads((tmp_path / f"{name}.json").read_text())
        assert report["metrics"]["OA"] == pytest.approx(accuracy, abs=0.05)

    extractor = FeatureExtractor(path, checkpoint, device="cpu")
    for loader in ("train_dataloader", "test_dataloader"):
        assert extractor.dataset(loader).spec.transforms[0]["basis"] == fitted.basis.lists()

    expected = predicted(state, (channels(fitted, part(cube, 0, 0, WIDTH, WIDTH)) - mean) / std)
    assert len(np.unique(expected)) > 2
    for name, budget in (("whole", scene_rows.BUDGET), ("parts", 1)):
        monkeypatch.setattr(scene_rows, "BUDGET", budget)
        scene, out = place / "demo/demo_cube.tif", tmp_path / f"{name}.tif"
        assert run_tool("predict", path, checkpoint, scene, "--out", out, "--device", "cpu") == 0
        with rasterio.open(out) as file:
            assert (file.read(1) == expected + 1).mean() > 0.9999


@pytest.mark.parametrize(
    ("steps", "told"),
    [([], "TileDataset has 0 SceneChannels"), ([dict(type="SceneChannels", local=True)], "local=True")],
)
def test_other_channels_in_the_validation_are_told_when_the_runner_is_built(
    place: Path, tmp_path: Path, steps: list[dict], told: str
) -> None:
    cfg = Config(dict(config(place), work_dir=str(tmp_path / "w")))
    pipeline = cfg.val_dataloader.dataset.pipeline
    cfg.val_dataloader.dataset.pipeline = [*pipeline[:2], *steps, *pipeline[3:]]
    with pytest.raises(ConfigError, match=f"^val_dataloader.dataset: .*{told}"):
        build_runner(cfg)
