"""Channels in a pipeline of tiles: beside SceneChannels that is fitted by hand to the files' values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import torch
from mmengine.config import Config

from mmhsi.datasets import CorpusDataset, SeededIndex, TileDataset, tile_dataset
from mmhsi.datasets.replay import Replay
from mmhsi.datasets.transforms import SceneChannels
from mmhsi.engine import check_config
from mmhsi.errors import ConfigError
from mmhsi.io import HSICube, write_class_map, write_cube
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = ["components", "emp", "ms", "words"]
CHANNELS = dict(type="SceneChannels", groups=GROUPS)
READ, LABELS, TURN, PACK = (dict(type=name) for name in ("LoadCube", "LoadLabels", "RandomDihedral", "PackTile"))
BANDS, SIDE, COUNT = 7, 14, 6


@pytest.fixture
def tiles(tmp_path: Path, scope: None) -> Path:
    """Tiles of 14 × 14 × 7, each with a pixel without data."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for index in range(COUNT):
        data = rng.normal(1000 + 60 * index, 50, (SIDE, SIDE, BANDS)).cumsum(axis=2).astype(np.float32)
        data[index, 3] = -1
        write_cube(tmp_path / f"images/{index}.tif", HSICube(data, nodata=-1))
        labels = rng.integers(0, 3, (SIDE, SIDE)).astype(np.uint8)
        names = dict(class_names=["none", "a", "b"], palette=[(0, 0, 0)] * 3)
        write_class_map(tmp_path / f"labels/{index}.tif", labels, **names)
    return tmp_path


def dataset(root: Path, *steps: dict, **options: object) -> TileDataset:
    scene = dict(classes=["a", "b"], label_ids=[1, 2], ignore_ids=[0])
    files = dict(image_dir="images", label_dir="labels")
    return TileDataset(scene, data_root=str(root), **{**files, "pipeline": [READ, LABELS, *steps, PACK], **options})


def by_hand(root: Path) -> list[tuple[np.ndarray, np.ndarray, None, int]]:
    """Values of every tile and which hold data, as a second reader finds them."""
    found = []
    for index in range(COUNT):
        with rasterio.open(root / f"images/{index}.tif") as file:
            image = file.read().transpose(1, 2, 0)
        found.append((image, (image != -1).all(axis=2), None, 1))
    return found


def made(transform: SceneChannels, part: tuple) -> np.ndarray:
    return transform(dict(img=part[0], valid=part[1]))["img"]


@pytest.mark.parametrize("sampled", [512, 3])
def test_fitted_to_the_tiles_and_made_of_each(tiles: Path, sampled: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_dataset, "STATISTICS_TILES", sampled)
    data, parts = dataset(tiles, CHANNELS), by_hand(tiles)
    expected = SceneChannels(groups=GROUPS)
    expected.fit(parts if sampled == 512 else parts[::2])
    values = [made(expected, part) for part in parts]
    for index in range(COUNT):
        np.testing.assert_array_equal(data[index]["inputs"].numpy(), values[index].transpose(2, 0, 1))
        np.testing.assert_array_equal(data[index]["valid"].numpy(), parts[index][1])
    assert data.spec.num_bands == values[0].shape[2] == 6 + 48 + 42 + 72
    seen = np.concatenate(
        [value[part[1]] for value, part in zip(values, parts, strict=True)][:: COUNT // min(6, sampled)]
    )
    statistics = data.band_statistics()
    np.testing.assert_allclose(statistics.mean, seen.mean(axis=0, dtype=np.float64), atol=1e-6)
    np.testing.assert_allclose(statistics.std, seen.std(axis=0, dtype=np.float64), atol=1e-6)


def test_a_checkpoint_holds_what_was_fitted(tiles: Path) -> None:
    """Plain numbers, by which a scene gets the same channels, and other tiles too, though they would fit others."""
    data, (image, valid, _, _) = dataset(tiles, CHANNELS), by_hand(tiles)[1]
    spec = InputSpec.from_meta(json.loads(json.dumps(data.metainfo)), "test")
    cube = Replay(list(spec.transforms), "test")(HSICube(image), valid)
    np.testing.assert_array_equal(cube.data.transpose(2, 0, 1), data[1]["inputs"].numpy())
    part = dict(region=(0, 0, SIDE, 7))
    given, own = dataset(tiles, dict(spec.transforms[0]), **part), dataset(tiles, CHANNELS, **part)
    fitted = SceneChannels(**{key: value for key, value in spec.transforms[0].items() if key != "type"})
    expected = made(fitted, (image[:, :7], valid[:, :7])).transpose(2, 0, 1)
    np.testing.assert_array_equal(given[1]["inputs"].numpy(), expected)
    assert not np.allclose(own[1]["inputs"].numpy(), expected, atol=0.1)


def test_what_comes_before_is_seen_and_what_comes_after_changes_no_channel(tiles: Path) -> None:
    scaled = dataset(tiles, dict(type="SelectBands", indices=[0, 3]), CHANNELS)
    parts = [(image[..., [0, 3]], valid, None, 1) for image, valid, _, _ in by_hand(tiles)]
    expected = SceneChannels(groups=GROUPS)
    expected.fit(parts)
    np.testing.assert_array_equal(scaled[2]["inputs"].numpy(), made(expected, parts[2]).transpose(2, 0, 1))
    whole = dataset(tiles, CHANNELS)[2]["inputs"]
    cropped = dataset(tiles, CHANNELS, dict(type="CenterCrop", size=4))[2]["inputs"]
    assert torch.equal(cropped, whole[:, 5:9, 5:9])
    turned = dataset(tiles, CHANNELS, TURN)
    ways = [torch.rot90(flipped, turns, (1, 2)) for flipped in (whole, whole.flip(2)) for turns in range(4)]
    for seed in range(4):
        assert any(torch.equal(turned[SeededIndex(2, seed)]["inputs"], way) for way in ways)


@pytest.mark.parametrize("cut", [{}, dict(window=7), dict(turns=(0, 1))])
def test_what_is_kept_is_made_once_and_cannot_be_written_into(
    tiles: Path, cut: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = dataset(tiles, CHANNELS, **cut)
    one = plain[0]["inputs"].numel() * 4 / 1e6
    kept = dataset(tiles, dict(CHANNELS, cache_mb=5.5 * one), **cut)
    calls, make = [], SceneChannels._bands_of_rows
    monkeypatch.setattr(SceneChannels, "_bands_of_rows", lambda *given: calls.append(1) or make(*given))
    for _ in range(2):
        for index in range(len(kept)):
            inputs = kept[index]["inputs"]
            assert torch.equal(inputs, plain[index]["inputs"])
            inputs.zero_()
    count = len(plain)
    assert len(calls) == 2 * count + count + (count - 5)  # of both without, and the second time of all but five
    assert "cache_mb" not in kept.spec.transforms[0]


def test_cache_does_not_mistake_parts_of_a_scene_for_each_other() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 12, 12, 3))
    transform = SceneChannels(groups=["ms"], cache_mb=9)
    transform.fit([(one, np.ones((12, 12), bool), None, 1)])
    first, second = (transform(dict(img=part, img_path="scene.tif"))["img"] for part in (one, other))
    assert not np.array_equal(first, second)
    with pytest.raises(ConfigError, match="SceneChannels: cache_mb=-1 given, expected a number of at least 0"):
        SceneChannels(cache_mb=-1)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([TURN, CHANNELS], "RandomDihedral stands before SceneChannels in the pipeline; expected LoadCube, LoadLabels"),
        ([dict(type="CenterCrop", size=4), CHANNELS], "CenterCrop stands before SceneChannels"),
        ([dict(type="mmcv.RandomApply", transforms=[CHANNELS], prob=1)], "SceneChannels stands within another"),
        ([dict(type="SceneChannels", groups=["texture"])], r"FinerTexture is made of a second source.*tiles have no"),
    ],
)
def test_pipelines_that_cannot_work(tiles: Path, steps: list[dict], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataset(tiles, *steps)


def test_channels_of_what_is_read_later(tiles: Path) -> None:
    with pytest.raises(ConfigError, match="TileDataset: SceneChannels stands before LoadCube in the pipeline"):
        TileDataset(image_dir=".", data_root=str(tiles), pipeline=[CHANNELS, READ, PACK])


def test_windows_that_are_drawn_before_they_are_read(tiles: Path) -> None:
    pipeline = [dict(type="RandomReadWindow", size=7), READ, CHANNELS, PACK]
    with pytest.raises(ConfigError, match="TileDataset: RandomReadWindow stands before SceneChannels"):
        TileDataset(image_dir="images", data_root=str(tiles), with_labels=False, pipeline=pipeline)
    with pytest.raises(ConfigError, match="not fitted; SceneDataset and TileDataset fit it to their data"):
        CorpusDataset(image_dir="images", data_root=str(tiles), pipeline=[READ, CHANNELS, PACK])


def parts(root: Path, *steps: dict, **options: object) -> dict:
    """The left and the right halves of all tiles as two data sets."""
    config = dict(type="TileDataset", scene=dict(classes=["a", "b"], label_ids=[1, 2], ignore_ids=[0]))
    config.update(data_root=str(root), image_dir="images", label_dir="labels", pipeline=[READ, LABELS, *steps, PACK])
    halves = [dict(config, region=(0, column, SIDE, SIDE // 2)) for column in (0, SIDE // 2)]
    return dict(type="ConcatDataset", datasets=halves, **options)


def test_parts_are_fitted_once_or_refused(tiles: Path) -> None:
    """Behind what was fitted elsewhere, as validation data are; whatever may differ, not the meaning of channels."""
    for ignored in (["protocol"], ["protocol", "transforms"], None):
        with pytest.raises(ConfigError, match=r"^ConcatDataset: SceneChannels are fitted to each .* one TileDataset$"):
            DATASETS.build(parts(tiles, CHANNELS, ignore_keys=ignored))
    spec = dataset(tiles, CHANNELS).spec
    both = DATASETS.build(parts(tiles, dict(spec.transforms[0]), ignore_keys="protocol"))
    assert len(both) == 2 * COUNT
    assert InputSpec.of_metainfo(both.metainfo).transforms == spec.transforms


def test_parts_of_two_kinds_are_named(tiles: Path) -> None:
    with pytest.raises(ConfigError, match=r"ConcatDataset: part 2 has protocol='.*', the first part '.*\['protocol'\]"):
        DATASETS.build(parts(tiles))
    other = parts(tiles, ignore_keys=["protocol"])
    other["datasets"][1]["scene"] = dict(classes=["a", "c"], label_ids=[1, 2], ignore_ids=[0])
    with pytest.raises(ConfigError, match="ConcatDataset: ignore_keys should be a list or str, but got <class 'int'>"):
        DATASETS.build(parts(tiles, ignore_keys=3))
    with pytest.raises(ConfigError, match=r"part 2 has classes=\['a', 'c'\], the first part \['a', 'b'\]; expected"):
        DATASETS.build(other)


def test_tiles_have_no_second_source() -> None:
    data = dict(type="TileDataset", scene="enmap_potsdam", use_second=True)
    with pytest.raises(ConfigError, match="TileDataset takes no 'use_second'"):
        check_config(Config(dict(train_dataloader=dict(dataset=data))))
