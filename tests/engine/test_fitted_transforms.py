"""Test data are given the transforms of the training."""

from __future__ import annotations

from dataclasses import replace

from mmengine.config import Config
from scene_models import SPEC

from mmhsi.engine.fitted_transforms import take_fitted_transforms

FITTED = dict(type="SceneChannels", groups=[dict(type="Components")], scale=1)


def config(*transforms: dict) -> Config:
    return Config(dict(test_dataloader=dict(dataset=dict(type="SceneDataset", transforms=list(transforms)))))


def test_the_same_transforms_come_fitted():
    cfg = config(dict(type="SceneChannels"))
    take_fitted_transforms(cfg, replace(SPEC, transforms=(FITTED,)))
    assert cfg.test_dataloader.dataset.transforms == [FITTED]


def test_others_stay_as_they_are():
    for cfg in (config(), config(dict(type="ScaleReflectance", factor=2))):
        before = cfg.to_dict()
        take_fitted_transforms(cfg, replace(SPEC, transforms=(FITTED,)))
        assert cfg.to_dict() == before
