"""A scene and trained models."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupted_runs import interrupt, write_scene
from many_maps import write_scenes
from mmengine.config import Config
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, META, PIXEL_CONV

from mmhsi.inference import SceneInferencer
from mmhsi.io import HSICube, read_class_map, write_cube
from mmhsi.registry import MODELS


@pytest.fixture
def trained(tmp_path, scope) -> Callable:
    """Config and checkpoint of a model with random weights."""

    def make(model, constant=False, **meta):
        torch.manual_seed(0)
        built = MODELS.build(model)
        built.init_weights()
        for parameter in built.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        if constant:
            head = built.head.fc if hasattr(built, "head") else built.decode_head.conv_seg
            head.weight.data.zero_()
            head.bias.data = torch.tensor([0.1, 0.2, 0.7])
        path = tmp_path / "model.pth"
        torch.save(dict(state_dict=built.state_dict(), meta=dict(dataset_meta={**META, **meta})), path)
        return Config(dict(model=model)), path, built.eval()

    return make


@pytest.fixture
def scene(tmp_path):
    """A 17 × 23 GeoTIFF of 5 bands with CRS, two pixels without data."""
    data = np.random.default_rng(0).normal(500, 200, (17, 23, BANDS)).astype(np.float32)
    data[3, 4] = data[16, 22] = -9999
    path = tmp_path / "scene with space.tif"
    transform = from_origin(366000, 5800000, 30, 30)
    write_cube(path, HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=transform))
    return path, data


@pytest.fixture
def map_of(tmp_path) -> Callable:
    """Write a map and read its class indices back."""

    def write(inferencer, scene, name="map.tif", **options):
        inferencer.write_map(scene, tmp_path / name, **options)
        return read_class_map(tmp_path / name).classes

    return write


@pytest.fixture
def long_scene(tmp_path):
    return write_scene(tmp_path / "scene.tif")


@pytest.fixture
def scenes(tmp_path):
    """Four small scenes, of which the third is damaged."""
    return write_scenes(tmp_path / "in")


@pytest.fixture
def make(trained):
    """Of an inferencer of pixels, as often as it is called."""
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    return partial(SceneInferencer, config, checkpoint)


@pytest.fixture
def inferencer(make):
    return make()


@pytest.fixture
def often(monkeypatch):
    """Rows leave in strips of five and are saved at once."""
    monkeypatch.setattr("mmhsi.inference.prediction.STRIP", 150)
    monkeypatch.setattr("mmhsi.inference.row_store.SAVE_EVERY", -1)


@pytest.fixture
def kept(inferencer, long_scene, tmp_path, often):
    return interrupt(inferencer, long_scene, tmp_path)


@pytest.fixture
def predict(
    trained: Callable, tmp_path: Path, run_tool: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The command with a model, in the test's folder."""
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    monkeypatch.chdir(tmp_path)
    return lambda *words: run_tool("predict", "config.py", checkpoint, *words, "--device", "cpu")
