"""Maps of values: trained, tested and predicted by the commands on the simulated scene."""

import csv
import json

import numpy as np
import pytest
import rasterio
from mmengine.config import Config
from pyogrio import read_bounds
from scripts import REPOSITORY

from mmhsi.config_files import load_config
from mmhsi.datasets import SceneValueDataset
from mmhsi.engine import build_runner
from mmhsi.errors import ConfigError
from mmhsi.inference import SceneInferencer

CONFIGS = REPOSITORY / "configs/regression"


def trained(name, generated_data, folder, monkeypatch):
    """Config and checkpoint after one epoch."""
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = load_config(CONFIGS / f"{name}.py")
    cfg = Config(cfg.to_dict(), filename=cfg.filename, format_python_code=False)
    cfg.work_dir = str(folder)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.interval = 1
    runner = build_runner(cfg)
    runner.train()
    return cfg, folder / "epoch_1.pth"


def test_map_of_values_is_what_the_model_says_of_each_pixel(generated_data, tmp_path, monkeypatch):
    cfg, checkpoint = trained("cnn1d-nll", generated_data, tmp_path, monkeypatch)
    inferencer = SceneInferencer(cfg, checkpoint)
    cube, out, doubt = generated_data / "demo/demo_cube.tif", tmp_path / "map.tif", tmp_path / "doubt.tif"
    inferencer.write_map(cube, out, uncertainty=doubt)
    scene = SceneValueDataset("demo", generated_data, window=1, split=dict(type="FewShotSplit", per_class=50))
    pixels = scene.cube.data[:3].reshape(-1, 1, 1, scene.cube.data.shape[2])
    import torch

    x = inferencer.model.preprocessor.normalise(torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2))
    with torch.no_grad():
        expected = inferencer.model(x).T.reshape(16, 3, -1).numpy()
    with rasterio.open(out) as values, rasterio.open(doubt) as deviations:
        np.testing.assert_allclose(values.read()[:, :3], expected[:8], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(deviations.read()[:, :3], expected[8:], rtol=1e-4, atol=1e-5)
        assert values.descriptions == tuple(target["name"] for target in scene.spec.targets)
        assert set(values.units) == {"1"}
        assert values.dtypes[0] == "float32"
        assert values.crs == scene.cube.crs
    item = json.loads((tmp_path / "map.stac.json").read_text())
    assert set(item["assets"]) == {"values", "uncertainty"}
    assert item["properties"]["mmhsi:training"]["targets"][0]["unit"] == "1"


def test_what_a_model_of_values_has_not_is_refused(generated_data, tmp_path, monkeypatch):
    cfg, checkpoint = trained("ridge", generated_data, tmp_path, monkeypatch)
    inferencer = SceneInferencer(cfg, checkpoint)
    cube = generated_data / "demo/demo_cube.tif"
    with pytest.raises(ConfigError, match="no probabilities"):
        inferencer.write_map(cube, tmp_path / "map.tif", probabilities=tmp_path / "p.tif")
    with pytest.raises(ConfigError, match="GaussianNLLLoss"):
        inferencer.write_map(cube, tmp_path / "map.tif", uncertainty=tmp_path / "u.tif")
    assert not (tmp_path / "map.tif").exists()


def test_commands_train_test_and_predict(place, run_tool, tmp_path, capsys):
    config, work = str(CONFIGS / "ridge.py"), str(tmp_path / "run")
    assert run_tool("train", config, "--work-dir", work, "--report", str(tmp_path / "report.json")) == 0
    assert "share of simulated roof A/R2" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["targets"]) == 8
    scene, checkpoint = str(place / "demo/demo_cube.tif"), f"{work}/epoch_1.pth"
    assert run_tool("test", config, checkpoint, "--work-dir", work) == 0
    assert run_tool("predict", config, checkpoint, scene, "--out-dir", str(tmp_path / "maps")) == 0
    assert "no mosaic is made of maps of values; with GDAL: gdalbuildvrt" in capsys.readouterr().out
    with rasterio.open(next((tmp_path / "maps").glob("*.tif"))) as values:
        assert values.count == 8
        with (tmp_path / "maps/summary.csv").open(newline="") as file:
            (row,) = csv.DictReader(file)
        found = [*values.shape, int(np.isnan(values.read(1)).sum())]
        assert [int(row[name]) for name in ("height", "width", "no data")] == found
        lonlat = rasterio.warp.transform_bounds(values.crs, "EPSG:4326", *values.bounds)
    assert read_bounds(tmp_path / "maps/footprints.gpkg")[1][:, 0] == pytest.approx(lonlat, abs=1e-4)
    assert run_tool("predict", config, checkpoint, scene, "--out", str(tmp_path / "m.tif"), "--png", "p.png") == 2
    assert "maps of classes" in capsys.readouterr().err
