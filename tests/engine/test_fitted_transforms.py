"""Validation and test data are given the channels of the training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mmengine.config import ConfigDict
from scene_models import SPEC

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.transforms import SceneChannels
from mmhsi.engine.fitted_transforms import with_fitted_channels
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from mmhsi.spec import InputSpec

WORDS = dict(type="WordHistograms", words=12, centers=[[0.0, 1.0]])
FITTED = dict(type="SceneChannels", groups=[dict(type="Components"), WORDS], basis=dict(mean=[1.0]), scale=1)
LOCAL = dict(FITTED, local=True, window=5)
TRAINED = replace(SPEC, transforms=(dict(type="ScaleReflectance"), FITTED))


def config(*steps: dict, key: str = "transforms") -> ConfigDict:
    kind = "SceneDataset" if key == "transforms" else "TileDataset"
    return ConfigDict(type=kind, **{key: list(steps)})


def fitted(given: ConfigDict, spec: InputSpec = TRAINED) -> dict:
    return with_fitted_channels(given, spec, "test_dataloader.dataset")


@pytest.mark.parametrize("key", ["transforms", "pipeline"])
@pytest.mark.parametrize("name", ["SceneChannels", "mmhsi.SceneChannels"])
def test_channels_come_fitted(key, name):
    groups = ["components", dict(type="words", words=12)]
    given = config(dict(type="LoadCube"), dict(type=name, groups=groups, cache_mb=3), key=key)
    before = given.to_dict()
    found = fitted(given)
    assert found[key] == [dict(type="LoadCube"), dict(FITTED, cache_mb=3)]
    assert given.to_dict() == before
    wrapped = ConfigDict(type="RepeatDataset", times=2, dataset=given)
    assert fitted(wrapped).dataset == found


def test_what_is_left_out_or_made_already_is_the_trainings():
    groups = ["components", dict(type="words", words=12)]
    for step in (dict(type="SceneChannels"), SceneChannels(groups, cache_mb=3)):
        assert fitted(config(step))["transforms"][0]["basis"] == FITTED["basis"]
    assert fitted(config(dict(type="SceneChannels")), replace(SPEC, transforms=(LOCAL,))) == config(LOCAL)


def test_others_stay_as_they_are():
    for given in (config(), config(dict(type="ScaleReflectance", factor=2))):
        assert fitted(given, SPEC) == given
    assert fitted(ConfigDict(type="MixedDataset", sensors={})) == dict(type="MixedDataset", sensors={})


def test_a_state_of_another_checkpoint_gives_way():
    groups = [dict(type="Components"), dict(WORDS, centers=[[5.0, 1.0]])]
    assert fitted(config(dict(FITTED, groups=groups, basis=dict(mean=[2.0]), scale=2))) == config(FITTED)


@pytest.mark.parametrize(
    ("spec", "steps", "key", "told"),
    [
        (SPEC, [dict(type="SceneChannels")], "pipeline", "TileDataset has 1 SceneChannels, .* trained behind 0; give"),
        (TRAINED, [dict(type="LoadCube")], "pipeline", "TileDataset has 0 SceneChannels, .* trained behind 1; give"),
        (TRAINED, [], "transforms", "SceneDataset has 0 SceneChannels, the model was trained behind 1; give"),
    ],
)
def test_the_training_had_another_number(spec, steps, key, told):
    given = ConfigDict(type="ConcatDataset", datasets=[config(*steps, key=key)])
    with pytest.raises(ConfigError, match=f"^test_dataloader.dataset: {told} the channels of the training"):
        fitted(given, spec)


@pytest.mark.parametrize(
    ("state", "chosen", "told"),
    [
        (FITTED, dict(local=True), "local=True, that of the training local=False"),
        (FITTED, dict(components=4), "components=4, that of the training components=6"),
        (FITTED, dict(groups=["ms"]), "groups MultiScale, that of the training Components, WordHistograms"),
        (
            FITTED,
            dict(groups=["components", "words"]),
            "WordHistograms with words=24, that of the training words=12",
        ),
        (LOCAL, dict(window=7), "window=7, that of the training window=5"),
        (LOCAL, dict(local=False), "local=False, that of the training local=True"),
    ],
)
def test_channels_that_choose_otherwise_are_refused(state, chosen, told):
    given = config(dict(type="SceneChannels", **chosen))
    with pytest.raises(ConfigError, match=f"^test_dataloader.dataset: SceneChannels has {told}; leave it out, or give"):
        fitted(given, replace(SPEC, transforms=(state,)))


def test_a_scene_is_not_transformed_again_for_them(generated_data):
    options = dict(scene="salinas_a", data_root=str(generated_data), window=1, subset="all")
    train = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    given = ConfigDict(**options, transforms=[dict(type="SceneChannels", groups=["ms"])])
    test = SceneDataset(**fitted(given, train.spec))
    assert test.cube.data is train.cube.data
