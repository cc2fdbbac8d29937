"""A map of a classical model on channels is what the test says of the same pixels, and of a scene in parts."""

from __future__ import annotations

import numpy as np
import pytest

from mmhsi.config_files import load_config
from mmhsi.datasets import CATALOGUE
from mmhsi.engine import build_runner
from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer, scene_rows
from mmhsi.inference.export import export_model
from mmhsi.inference.publishing import publish_checkpoint
from mmhsi.io import read_class_map


@pytest.fixture
def trained(place, repository, tmp_path):
    """Extra trees on the generated Houston crop with its finer picture, trained and tested."""
    cfg = load_config(repository / "configs/classical/extra-trees.py")
    cfg.work_dir = str(tmp_path)
    cfg.model.backbone.trees = 8
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.split = dict(type="FewShotSplit", per_class=5, seed=1)
    runner = build_runner(cfg)
    runner.train()
    runner.test()
    return cfg, runner, tmp_path


@pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning", "ignore::rasterio.errors.NotGeoreferencedWarning")
def test_map_is_what_the_test_says(trained, place, monkeypatch):
    cfg, runner, folder = trained
    info = CATALOGUE["houston2018_crop"]
    dataset = runner.test_dataloader.dataset
    predicted = []
    for batch in runner.test_dataloader:
        predicted += [int(sample.pred_label) for sample in runner.model.test_step(batch)]
    inferencer = SceneInferencer(cfg, folder / "epoch_1.pth", device="cpu")
    assert inferencer.way == "pixel by pixel, by channels of its surroundings"
    names = dict(key=info.image_key, second=place / info.second_image, second_key=info.second_key)
    for name, budget in (("whole", scene_rows.BUDGET), ("parts", 1)):
        monkeypatch.setattr(scene_rows, "BUDGET", budget)
        inferencer.write_map(place / info.image, folder / f"{name}.tif", **names)
        classes = read_class_map(folder / f"{name}.tif").classes
        assert np.array_equal(classes.ravel()[dataset.pixels], predicted)
    with pytest.raises(ConfigError, match="only networks are exported"):
        export_model(inferencer.model, folder / "model.onnx", (1, 1))
    published = SceneInferencer(None, publish_checkpoint(cfg, folder / "epoch_1.pth", folder / "p.pth"), device="cpu")
    published.write_map(place / info.image, folder / "published.tif", **names)
    assert (folder / "published.tif").read_bytes() == (folder / "whole.tif").read_bytes()
    with pytest.raises(DataError, match="two sources; give --second"):
        inferencer.write_map(place / info.image, folder / "one.tif", key=info.image_key)
