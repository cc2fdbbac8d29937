"""The typed object that says what a model was trained on, and its plain form."""

from __future__ import annotations

import dataclasses
import json

import pytest

from mmhsi.errors import ConfigError
from mmhsi.spec import InputSpec

FULL = dict(
    classes=("wheat", "rye"),
    bands=(0, 2, 3),
    file_bands=5,
    num_bands=2,
    label_ids=(3, 7),
    ignore_ids=(0, -1),
    ignore_others=True,
    palette=((1, 2, 3), (255, 0, 9)),
    scene="Toy",
    protocol="5 pixels a class",
    wavelengths=(400.0, 500.5, 600.0),
    transforms=(dict(type="SelectBands", indices=[0, 2], ranges=None), dict(type="Own", table=[[1.5, 2.0]], name="a")),
    model_wavelengths=(400.0, 600.0),
    window=(9, 7),
    second_bands=1,
    second_scale=2,
    rgb_bands=(3, 2, 0),
)


def test_plain_data_and_back() -> None:
    spec = InputSpec(**FULL)
    meta = json.loads(json.dumps(spec.to_meta()))
    assert meta == spec.to_meta()
    assert meta["classes"] == ["wheat", "rye"]
    assert meta["palette"] == [[1, 2, 3], [255, 0, 9]]
    assert InputSpec.from_meta(meta, "here") == spec
    assert spec.num_classes == 2


def test_what_is_left_out_and_back() -> None:
    spec = InputSpec(classes=(), bands=(), file_bands=0, num_bands=4)
    assert InputSpec.from_meta(spec.to_meta(), "here") == spec


def test_frozen_and_plain_data_is_a_copy() -> None:
    spec = InputSpec(**FULL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.scene = "another"
    meta = spec.to_meta()
    meta["transforms"][0]["indices"].append(5)
    assert InputSpec(**FULL) == spec
    kept = InputSpec.from_meta(meta, "here")
    meta["transforms"][0]["indices"].append(6)
    assert kept.transforms[0]["indices"] == [0, 2, 5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(classes=("a", 1)), "classes = ('a', 1), expected names"),
        (dict(classes="ab"), "classes = 'ab', expected names"),
        (dict(bands=(0, -1, 2)), "bands = (0, -1, 2), expected 0-based bands"),
        (dict(bands=(0, True, 2)), "bands = (0, True, 2), expected"),
        (dict(bands=(0, 2, 5)), "bands names band 5 of file_bands = 5"),
        (dict(file_bands=5.0), "file_bands = 5.0, expected a number of bands"),
        (dict(num_bands=-1), "num_bands = -1, expected"),
        (dict(label_ids=(3,)), "label_ids has 1 values for 2 classes"),
        (dict(ignore_ids=(2**80,)), "ignore_ids = "),
        (dict(ignore_others=1), "ignore_others = 1"),
        (dict(palette=((1, 2, 3),)), "palette has 1 values for 2 classes"),
        (dict(palette=((1, 2, 3), (1, 2, 256))), "palette = ((1, 2, 3), (1, 2, 256)), expected RGB colours"),
        (dict(scene=5), "scene = 5, expected a title"),
        (dict(protocol=None), "protocol = None, expected a line of text"),
        (dict(wavelengths=(400.0, 500.0)), "wavelengths has 2 values for 3 bands"),
        (dict(wavelengths=(400.0, float("nan"), 5.0)), "wavelengths = (400.0, nan, 5.0), expected band centres in nm"),
        (dict(model_wavelengths=(400.0,)), "model_wavelengths has 1 values for 2 bands that the model sees"),
        (dict(transforms=(dict(indices=[0]),)), "expected configs of plain values"),
        (dict(transforms=(dict(type="Own", by=len),)), "expected configs of plain values"),
        (dict(window=(9,)), "window = (9,), expected (height, width) in pixels"),
        (dict(window=(0, 9)), "window = (0, 9), expected"),
        (dict(second_bands=0), "second_bands = 0, expected"),
        (dict(second_scale=1.5), "second_scale = 1.5, expected a whole factor"),
        (dict(rgb_bands=(0, 1)), "rgb_bands = (0, 1), expected three 0-based bands"),
    ],
)
def test_faults_are_named(change: dict, message: str) -> None:
    values = {**FULL, **change}
    with pytest.raises(ConfigError) as caught:
        InputSpec(**values)
    assert message in str(caught.value)
    assert str(caught.value).startswith("InputSpec: ")
    with pytest.raises(ConfigError) as caught:
        InputSpec.from_meta(dict(InputSpec(**FULL).to_meta(), **change), "checkpoint a.pth")
    assert message in str(caught.value)
    assert str(caught.value).startswith("checkpoint a.pth: dataset_meta: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(input_spec=3), "checkpoint a.pth: dataset_meta is of version 3, this mmhsi reads up to 2"),
        (dict(input_spec="x"), "is of version 'x'"),
        (dict(colour=5), "checkpoint a.pth: dataset_meta: 'colour' is no field of it"),
        (dict(bands=None), "bands = None, expected 0-based bands"),
        (dict(transforms=[dict(type="A", x=list(range(10**5)), y=dict)]), "expected configs of plain values"),
    ],
)
def test_what_cannot_be_read(change: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        InputSpec.from_meta({**InputSpec(**FULL).to_meta(), **change}, "checkpoint a.pth")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("meta", [None, [1], "abc", {}, dict(bands=[0], file_bands=1)])
def test_no_metadata_of_a_dataset(meta: object) -> None:
    with pytest.raises(ConfigError, match=r"checkpoint a\.pth: says nothing of classes"):
        InputSpec.from_meta(meta, "checkpoint a.pth")


@pytest.mark.parametrize("name", ["bands", "file_bands", "num_bands"])
def test_a_value_that_is_missing(name: str) -> None:
    meta = InputSpec(**FULL).to_meta()
    del meta[name]
    with pytest.raises(ConfigError, match=f"dataset_meta: says nothing of {name}"):
        InputSpec.from_meta(meta, "checkpoint a.pth")


# As checkpoints were written before there was a version.
OLD_SCENE = dict(
    scene="Toy",
    classes=["wheat", "rye"],
    label_ids=[3, 7],
    ignore_ids=[0],
    palette=[[1, 2, 3], [4, 5, 6]],
    protocol="5 pixels a class",
    window=[9, 7],
    bands=[0, 2, 3],
    file_bands=5,
    input_wavelengths=[400.0, 500.0, 600.0],
    transforms=[dict(type="SelectBands", indices=[0, 2])],
    second_bands=None,
    wavelengths=[400.0, 600.0],
    rgb_bands=None,
)
OLD_TILES = dict(
    classes=["wheat", "rye"],
    label_ids=[3, 7],
    ignore_ids=[0],
    palette=None,
    rgb_bands=[3, 2, 0],
    protocol="tiles of train.csv",
    transforms=[dict(type="Standardise", mean=1.0, std=2.0)],
    bands=[0, 2, 3],
    file_bands=5,
    tile_size=[16, 8],
    input_wavelengths=[400.0, 500.0, 600.0],
    wavelengths=[400.0, 500.0, 600.0],
)


def test_metadata_of_scenes_before_there_was_a_version() -> None:
    assert InputSpec.from_meta(OLD_SCENE, "old") == InputSpec(
        classes=("wheat", "rye"),
        label_ids=(3, 7),
        ignore_ids=(0,),
        palette=((1, 2, 3), (4, 5, 6)),
        scene="Toy",
        protocol="5 pixels a class",
        window=(9, 7),
        bands=(0, 2, 3),
        file_bands=5,
        wavelengths=(400.0, 500.0, 600.0),
        transforms=(dict(type="SelectBands", indices=[0, 2]),),
        num_bands=2,
        model_wavelengths=(400.0, 600.0),
    )


def test_metadata_of_tiles_before_there_was_a_version() -> None:
    assert InputSpec.from_meta(OLD_TILES, "old") == InputSpec(
        classes=("wheat", "rye"),
        label_ids=(3, 7),
        ignore_ids=(0,),
        rgb_bands=(3, 2, 0),
        protocol="tiles of train.csv",
        window=(16, 8),
        bands=(0, 2, 3),
        file_bands=5,
        wavelengths=(400.0, 500.0, 600.0),
        transforms=(dict(type="Standardize", mean=1.0, std=2.0),),
        num_bands=3,
        model_wavelengths=(400.0, 500.0, 600.0),
    )


@pytest.mark.parametrize(
    ("old", "new"), [("Standardise", "Standardize"), ("StandardiseScene", "StandardizeScene"), ("Solarise", "Solarize")]
)
def test_former_names_of_transforms(old: str, new: str) -> None:
    spec = InputSpec.from_meta({**OLD_SCENE, "transforms": [dict(type=old, mean=0.0)]}, "old")
    assert spec.transforms == (dict(type=new, mean=0.0),)


def test_former_name_of_a_group_of_channels() -> None:
    step = dict(type="SceneChannels", groups=[dict(type="NormalisedProfiles", radii=[2]), "emp"])
    meta = {**InputSpec(**FULL).to_meta(), "transforms": [step]}
    (present,) = InputSpec.from_meta(meta, "then").transforms
    assert present["groups"] == [dict(type="NormalizedProfiles", radii=[2]), "emp"]
    assert step["groups"][0]["type"] == "NormalisedProfiles"


def test_former_names_of_arguments_and_values() -> None:
    bands = dict(type="RemoveBadBands", ranges="water_vapour")
    words = dict(type="SceneChannels", groups=[dict(type="WordHistograms", centres=[[1.0]])])
    meta = {**InputSpec(**FULL).to_meta(), "transforms": [bands, words]}
    first, second = InputSpec.from_meta(meta, "then").transforms
    assert first == dict(type="RemoveBadBands", ranges="water_vapor")
    assert second["groups"] == [dict(type="WordHistograms", centers=[[1.0]])]


def test_tiles_whose_bands_were_changed_do_not_say_what_the_model_sees() -> None:
    changed = {**OLD_TILES, "transforms": [dict(type="PCAProject", file="pca.npz")]}
    spec = InputSpec.from_meta(changed, "old")
    assert (spec.num_bands, spec.model_wavelengths) == (0, None)
    assert InputSpec.from_meta({**changed, "num_bands": 4}, "old").num_bands == 4


def test_scenes_of_the_first_days() -> None:
    """Without ``input_wavelengths``, ``wavelengths`` were those read, unless a transform had changed them."""
    first = {key: value for key, value in OLD_SCENE.items() if key != "input_wavelengths"}
    assert InputSpec.from_meta(first, "old").wavelengths is None
    plain = {**first, "transforms": [], "wavelengths": [400.0, 500.0, 600.0]}
    assert InputSpec.from_meta(plain, "old").wavelengths == (400.0, 500.0, 600.0)


def test_corpora_before_there_was_a_version() -> None:
    spec = InputSpec.from_meta(dict(classes=[], scene="Corpus", protocol="unlabelled scenes"), "old")
    assert spec == InputSpec(
        classes=(), bands=(), file_bands=0, num_bands=0, scene="Corpus", protocol="unlabelled scenes"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(bands="all"), "bands = 'all', expected 0-based bands"),
        (dict(window=["a", "b"]), "window = ('a', 'b'), expected"),
        (dict(transforms="abc"), "transforms = 'abc', expected configs"),
        (dict(transforms=[5]), "transforms = (5,), expected configs"),
        (dict(file_bands=2), "bands names band 3 of file_bands = 2"),
        (dict(classes=5), "classes = 5, expected names"),
    ],
)
def test_faults_of_metadata_before_there_was_a_version(change: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        InputSpec.from_meta({**OLD_SCENE, **change}, "checkpoint a.pth")
    assert str(caught.value).startswith(f"checkpoint a.pth: dataset_meta: {message}")


def test_bands_of_a_picture_are_those_that_the_model_sees() -> None:
    read = {**FULL, "num_bands": 3, "model_wavelengths": None}
    assert InputSpec(**read).picture_bands == (2, 1, 0)  # bands 3, 2, 0 of the file, of which 0, 2, 3 are read
    assert InputSpec(**{**read, "rgb_bands": (3, 1, 0)}).picture_bands is None
    assert InputSpec(**FULL).picture_bands is None
    assert InputSpec(**{**read, "rgb_bands": None}).picture_bands is None


def test_metainfo_of_other_packages_is_none() -> None:
    spec = InputSpec(**FULL)
    assert InputSpec.of_metainfo(spec.to_meta()) == spec
    assert InputSpec.of_metainfo(dict(classes=["a"], palette=None)) is None
    assert InputSpec.of_metainfo(None) is None
