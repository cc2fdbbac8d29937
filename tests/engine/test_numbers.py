"""Numbers of a model come from its data; what a config states is an assertion."""

import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from scripts import REPOSITORY

from mmhsi.config_files import load_config
from mmhsi.engine import build_runner, check_classes, resolve_numbers
from mmhsi.errors import ConfigError, DataWarning
from mmhsi.models.weights import checkpoint_spec, read_checkpoint
from mmhsi.registry import DATASETS, MODELS
from mmhsi.spec import InputSpec


def spec(bands=7, classes=3, window=(9, 9), **more):
    return InputSpec(
        classes=tuple("abcdefgh"[:classes]),
        bands=tuple(range(bands)),
        file_bands=bands,
        num_bands=bands,
        window=window,
        **more,
    )


def pixel_model(**backbone):
    return dict(
        type="PixelClassifier",
        data_preprocessor=dict(type="ScenePreprocessor"),
        backbone=dict(backbone or dict(type="CNN2D")),
        neck=dict(type="CenterContext"),
        head=dict(type="mmpretrain.LinearClsHead"),
    )


def test_a_pixel_classifier_takes_bands_classes_and_window():
    model = pixel_model(type="HSIViT", arch="tiny", patch_size=3)
    resolve_numbers(model, spec(), "the data")
    assert model["data_preprocessor"] == dict(type="ScenePreprocessor", num_bands=7, second_bands=0)
    assert model["backbone"] == dict(type="HSIViT", arch="tiny", patch_size=3, in_channels=7, img_size=9)
    assert model["head"]["num_classes"] == 3
    oblong = pixel_model(type="HSIViT", arch="tiny", patch_size=3)
    resolve_numbers(oblong, spec(window=(9, 12)), "the data")
    assert oblong["backbone"]["img_size"] == [9, 12]


@pytest.mark.parametrize(("second", "joined"), [("concat", 4), ("texture", 8)])
def test_bands_of_a_second_source_are_joined_as_the_preprocessor_joins_them(second, joined):
    model = pixel_model(type="SSMAEFusion", arch="tiny", window=7)
    model["data_preprocessor"]["second"] = second
    resolve_numbers(model, spec(second_bands=4, second_scale=2), "the data")
    assert model["data_preprocessor"]["second_bands"] == 4
    assert (model["backbone"]["in_channels"], model["backbone"]["second_bands"]) == (7 + joined, joined)


def test_finer_pixels_are_for_backbones_that_take_them():
    model = pixel_model(type="TwoSources", backbone=dict(type="CNN2D"))
    model["data_preprocessor"]["second"] = "pixels"
    resolve_numbers(model, spec(second_bands=3, second_scale=4), "the data")
    numbers = {key: model["backbone"][key] for key in ("in_channels", "second_bands", "second_scale")}
    assert numbers == dict(in_channels=7 + 48, second_bands=48, second_scale=4)
    assert MODELS.build(model["backbone"]).finer == (3, 4)
    for kind, second in (("TwoSources", "concat"), ("SSMAEFusion", "pixels")):
        other = pixel_model(type=kind)
        other["data_preprocessor"]["second"] = second
        with pytest.raises(ConfigError, match=f"second='{second}' does not fit model.backbone"):
            resolve_numbers(other, spec(second_bands=3, second_scale=4), "the data")
    alone = pixel_model(type="TwoSources", backbone=dict(type="CNN2D"))
    resolve_numbers(alone, spec(), "the data")
    with pytest.raises(ConfigError, match=r"TwoSources: second_bands=0 .* give the data use_second=True"):
        MODELS.build(alone["backbone"])


def test_models_of_mmseg_and_mask2former_are_told_too():
    segmentor = dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="TilePreprocessor"),
        backbone=dict(type="mmseg.ResNetV1c", depth=18),
        decode_head=[dict(type="mmseg.FCNHead", in_channels=512), dict(type="UNetHead", in_channels=[1, 2])],
        auxiliary_head=dict(type="mmseg.FCNHead", in_channels=256),
    )
    resolve_numbers(segmentor, spec(), "the data")
    assert segmentor["data_preprocessor"]["num_bands"] == segmentor["backbone"]["in_channels"] == 7
    heads = [*segmentor["decode_head"], segmentor["auxiliary_head"]]
    assert [head["num_classes"] for head in heads] == [3, 3, 3]
    assert [head["in_channels"] for head in heads] == [512, [1, 2], 256]  # those of maps
    queries = dict(type="Mask2Former", backbone=dict(type="mmseg.SwinTransformer"), in_channels=[1, 2, 3, 4])
    resolve_numbers(queries, spec(), "the data")
    assert (queries["num_classes"], queries["backbone"]["in_channels"], queries["in_channels"]) == (3, 7, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("data_preprocessor", "num_bands", 8, "model.data_preprocessor.num_bands=8 in a.py, but the data has 7 bands;"),
        ("data_preprocessor", "second_bands", 3, "second_bands=3 in a.py, but the data has no second source"),
        ("backbone", "in_channels", 9, r"model.backbone.in_channels=9 in a.py, but the data has 7 bands;"),
        ("head", "num_classes", 5, r"model.head.num_classes=5 in a.py, but the data has 3 classes \(a, b, c\);"),
    ],
)
def test_what_a_config_states_is_an_assertion(part, name, value, message):
    model = pixel_model()
    model[part][name] = value
    with pytest.raises(ConfigError, match=message) as error:
        resolve_numbers(model, spec(), "the data", "a.py")
    assert "\n" not in str(error.value)
    assert f"leave {name} out" in str(error.value)


def test_what_agrees_and_the_image_size_of_positions_stay():
    model = pixel_model(type="HSIViT", arch="tiny", patch_size=3, in_channels=7, img_size=18)
    model["head"]["num_classes"] = 3
    resolve_numbers(model, spec(), "the data")
    assert (model["backbone"]["in_channels"], model["backbone"]["img_size"]) == (7, 18)


def test_what_a_class_does_not_take_or_the_data_do_not_say_is_left_out():
    model = dict(data_preprocessor=dict(type="mmseg.SegDataPreProcessor"), backbone=dict(type="IMAEViT"))
    resolve_numbers(model, spec(classes=0), "the data")
    assert model == dict(
        data_preprocessor=dict(type="mmseg.SegDataPreProcessor"), backbone=dict(type="IMAEViT", in_channels=7)
    )
    unknown = pixel_model(type="NoSuchNet")
    resolve_numbers(unknown, InputSpec(classes=(), bands=(), file_bands=0, num_bands=0), "the data")
    assert unknown == pixel_model(type="NoSuchNet")


@pytest.fixture
def config(generated_data, monkeypatch, tmp_path):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = load_config(REPOSITORY / "configs/comparison/cnn2d.py")
    cfg.work_dir, cfg.log_level = str(tmp_path / "w"), "ERROR"
    cfg.train_cfg = dict(by_epoch=True, max_epochs=1)
    cfg.default_hooks.checkpoint.interval = 1
    cfg.experiment_name = str(tmp_path)
    return cfg


def test_a_run_reads_its_data_once_and_keeps_what_was_resolved(config, monkeypatch):
    built = []
    original = DATASETS.get("SceneDataset").__init__
    monkeypatch.setattr(
        DATASETS.get("SceneDataset"),
        "__init__",
        lambda self, *args, **kwargs: (built.append(kwargs["subset"]), original(self, *args, **kwargs))[1],
    )
    runner = build_runner(config)
    runner.train()
    assert built == ["train"]
    kept = Config.fromfile(f"{runner.work_dir}/cnn2d.py")
    assert kept.model.backbone.in_channels == kept.model.data_preprocessor.num_bands == 204
    assert kept.model.head.num_classes == 6
    path = f"{runner.work_dir}/epoch_1.pth"
    with zipfile.ZipFile(path) as archive:  # the text of the config, which nothing reads as a program
        (name,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
        assert b"in_channels=204" in archive.read(name)
    trained = checkpoint_spec(read_checkpoint(path), "c")
    check_classes(runner.train_dataloader.dataset, trained, "checkpoint c")
    with pytest.raises(ConfigError, match=r"c was trained on 3 classes of .*, the data have 6 of Salinas-A"):
        check_classes(runner.train_dataloader.dataset, spec(), "checkpoint c")


@pytest.mark.parametrize(
    ("name", "side", "told"),
    [
        ("two-sources", 3, "TwoSources: windows of 3 x 3 pixels given, the branch for the second source needs 5 x 5"),
        ("multiscale", 8, "MultiScaleWindows: windows of 8 x 8 pixels given"),
    ],
)
def test_windows_that_the_backbone_does_not_take_are_told_when_the_runner_is_built(
    config, tmp_path, monkeypatch, name, side, told
):
    cfg = load_config(REPOSITORY / f"configs/comparison/cnn2d-{name}.py")
    cfg.work_dir = str(tmp_path / "w")
    cfg.train_dataloader.dataset.window = cfg.test_dataloader.dataset.window = side
    with pytest.raises(ConfigError, match=told):
        build_runner(cfg)


def test_classes_in_another_order_are_refused_and_other_names_said():
    def data(*classes):
        return SimpleNamespace(metainfo=dict(replace(spec(), classes=classes).to_meta()))

    check_classes(data("a", "b", "c"), spec(), "checkpoint c")
    with pytest.raises(ConfigError, match="of which 'a' stands where the data have 'b'"):
        check_classes(data("b", "a", "c"), spec(), "checkpoint c")
    with pytest.raises(ConfigError, match="of which 'a' stands where the data have 'B'"):
        check_classes(data("B", "A", "c"), spec(), "checkpoint c")
    with pytest.warns(DataWarning, match="checkpoint c has other class names than the data: 'b' for 'B'"):
        check_classes(data("a", "B", "c"), spec(), "checkpoint c")


def test_targets_in_other_units_are_refused():
    def valued(unit):
        return replace(spec(), classes=(), label_ids=(), targets=(dict(name="clay", unit=unit, mean=0.0, std=1.0),))

    data = SimpleNamespace(metainfo=dict(valued("%").to_meta()))
    check_classes(data, valued("%"), "checkpoint c")
    with pytest.raises(ConfigError, match=r"c predicts clay \(g/kg\), the data have clay \(%\)"):
        check_classes(data, valued("g/kg"), "checkpoint c")


def test_heads_are_compared_with_the_data_before_anything_is_trained(config):
    config.model.head.num_classes = 5
    with pytest.raises(ConfigError, match=r"head\.num_classes=5 in .*cnn2d\.py, but train_dataloader\.dataset has 6"):
        build_runner(config)


def test_mmengines_runner_alone_says_what_is_missing(config):
    with pytest.raises(ConfigError, match=r"num_bands is missing; .* mmhsi\.engine\.build_runner\(cfg\)"):
        Runner.from_cfg(config)


def test_a_dataset_of_somebody_else_leaves_the_config_as_it_is(config):
    class Foreign(torch.utils.data.Dataset):
        metainfo = dict(classes=["a"])

        def __len__(self):
            return 4

    config.train_dataloader.dataset = dict(type=Foreign)
    config.model.data_preprocessor.update(num_bands=4, mean=np.zeros(4).tolist(), std=np.ones(4).tolist())
    config.model.backbone.in_channels = 4
    config.model.head.num_classes = 2
    config.train_dataloader.pop("collate_fn", None)
    assert build_runner(config).model.head.fc.out_features == 2
