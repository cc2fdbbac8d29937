"""Validation and test data are given the channels of the training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mmengine.config import ConfigDict
from scene_models import SPEC

from mmhsi.datasets import SceneDataset
from mmhsi.engine.fitted_transforms import with_fitted_channels
from mmhsi.errors import ConfigError

FITTED = dict(type="SceneChannels", groups=[dict(type="Components")], basis=dict(mean=[1.0]), scale=1)
TRAINED = replace(SPEC, transforms=(dict(type="ScaleReflectance"), FITTED))


def config(*steps: dict, key: str = "transforms") -> ConfigDict:
    return ConfigDict(type="Data", **{key: list(steps)})


@pytest.mark.parametrize("key", ["transforms", "pipeline"])
@pytest.mark.parametrize("name", ["SceneChannels", "mmhsi.SceneChannels"])
def test_channels_come_fitted(key, name):
    given = config(dict(type="LoadCube"), dict(type=name, groups=["emp"], cache_mb=3), key=key)
    before = given.to_dict()
    found = with_fitted_channels(given, TRAINED)
    assert found[key] == [dict(type="LoadCube"), dict(FITTED, cache_mb=3)]
    assert given.to_dict() == before
    wrapped = ConfigDict(type="RepeatDataset", times=2, dataset=given)
    assert with_fitted_channels(wrapped, TRAINED).dataset == found


def test_others_stay_as_they_are():
    for given in (config(), config(dict(type="ScaleReflectance", factor=2))):
        assert with_fitted_channels(given, TRAINED) == given


def test_a_state_of_another_checkpoint_gives_way():
    other = config(dict(FITTED, basis=dict(mean=[2.0]), scale=2, local=True))
    assert with_fitted_channels(other, TRAINED) == config(FITTED)


def test_the_training_had_none():
    with pytest.raises(ConfigError, match="Data: pipeline has 1 SceneChannels, the model was trained behind 0; give"):
        with_fitted_channels(config(dict(type="SceneChannels"), key="pipeline"), SPEC)


def test_a_scene_is_not_transformed_again_for_them(generated_data):
    options = dict(scene="salinas_a", data_root=str(generated_data), window=1, subset="all")
    train = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    given = ConfigDict(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    test = SceneDataset(**with_fitted_channels(given, train.spec))
    assert test.cube.data is train.cube.data
