"""A last batch of one pixel is left out where batch normalisation could not train on it."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmhsi.datasets import FewShotSplit, SceneDataset
from mmhsi.engine.last_batch import leave_out_single
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """21 training pixels."""
    folder = tmp_path_factory.mktemp("scene")
    np.save(folder / "cube.npy", np.random.default_rng(0).normal(size=(16, 18, 6)).astype(np.float32))
    np.save(folder / "labels.npy", np.arange(16 * 18).reshape(16, 18) % 3 + 1)
    scene = dict(image="cube.npy", labels="labels.npy", classes=["a", "b", "c"], label_ids=[1, 2, 3])
    return SceneDataset(scene, data_root=str(folder), window=1, split=FewShotSplit(7))


def model(kind, **options):
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3)
    backbone = dict(type=kind, in_channels=6, **options)
    parts = dict(
        neck=dict(type="mmpretrain.GlobalAveragePooling"),
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=6),
    )
    with DefaultScope.overwrite_default_scope("mmhsi"):
        return MODELS.build(dict(type="PixelClassifier", backbone=backbone, head=head, **parts))


@pytest.mark.parametrize(
    ("batch", "processes", "left_out"), [(20, 1, True), (19, 1, False), (10, 1, True), (21, 1, False), (10, 2, True)]
)
def test_one_pixel_is_left_out_where_it_cannot_train(dataset, batch, processes, left_out):
    cfg, network = Config(dict(train_dataloader=dict(batch_size=batch))), model("CNN2D")
    torch.manual_seed(3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    leave_out_single(cfg, dataset, network, processes)
    assert cfg.train_dataloader.get("drop_last", False) is left_out
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    leave_out_single(Config(dict(train_dataloader=dict(batch_size=batch))), dataset, network, processes)
    assert torch.equal(torch.rand(1), expected)  # nothing was drawn


def test_batches_of_one_are_refused_before_the_first_step(dataset):
    with pytest.raises(ConfigError, match="batches of one pixel"):
        leave_out_single(Config(dict(train_dataloader=dict(batch_size=1))), dataset, model("CNN2D"))
