"""Mistakes on the command line of what reads a config."""

import argparse
import os
from unittest import mock

import pytest
from mmengine.config import Config

from mmhsi.cli.cubes import band_numbers
from mmhsi.cli.options import override, runner_config, runner_options
from mmhsi.errors import ConfigError

CONFIG = "mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py"


def parsed(*options, config=CONFIG):
    parser = argparse.ArgumentParser()
    runner_options(parser)
    args = parser.parse_args(options)
    args.config, args.dataset = config, None
    with mock.patch.dict(os.environ):  # it tells mmengine the process's rank
        return runner_config(args)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("max_epochs", "max_epochs: expected KEY=VALUE"),
        ("=3", "=3: expected KEY=VALUE"),
        ("train_cfg..max_epochs=3", "expected KEY=VALUE"),
        ("max_epochs=3", "no section is named 'max_epochs'; nearest: 'train_cfg.max_epochs'"),
        ("optim_wraper.optimizer.lr=3", "no section is named 'optim_wraper'; nearest: 'optim_wrapper.optimizer.lr'"),
        ("modle.masking=3", "no section is named 'modle'; nearest: 'model.masking'"),
        ("train_cfg.max_epoch=3", "train_cfg: EpochBasedTrainLoop takes no 'max_epoch'; nearest: 'max_epochs'"),
        ("optim_wrapper.optimizer.betas=[1,2", "Imbalanced brackets"),
        ("custom_hooks.77.type=A", "custom_hooks.77.type: custom_hooks has no entry '77'; expected 0 to "),
        ("model.backbone.type.x=3", "model.backbone.type.x: .*cannot inherit"),
    ],
)
def test_an_override_that_leads_nowhere_is_one_line(option, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parsed("--cfg-options", option)
    assert len(str(caught.value).splitlines()) == 1


def test_overrides_that_lead_somewhere():
    steps = "model.data_preprocessor.augments=[{'type': 'BatchNoise', 'std': 0.5}, {'type': 'BatchDihedral'}]"
    cfg = parsed("--cfg-options", steps)
    assert cfg.model.data_preprocessor.augments == [dict(type="BatchNoise", std=0.5), dict(type="BatchDihedral")]
    cfg = parsed("--cfg-options", "train_cfg.max_epochs=3", "load_from=a.pth", "randomness.deterministic=True")
    assert (cfg.train_cfg.max_epochs, cfg.load_from, cfg.randomness.deterministic) == (3, "a.pth", True)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("configs/mae/mae_hsi-vit-tny-p3_demo.py", "mae/mae_hsi-vit-tiny-p3_demo.py"),
        ("configs/mea/mae_hsi-vit-tiny-p3_demo.py", "mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py"),
        ("mae_hsi-vit-tiny-p3_demo.py", "mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py"),
    ],
)
def test_a_missing_config_names_the_nearest(name, meant, repository, monkeypatch):
    monkeypatch.chdir(repository)
    with pytest.raises(ConfigError, match=f"^{name}: no such config; nearest: '{meant}'"):
        parsed(config=name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_base_ = ['./absent.py']", "its base .*absent.py does not exist; nearest: "),
        ("_base_ = ['../_base_/models/pixel_cnn2d.py']", "nearest: 'mmhsi::_base_/models/pixel_cnn2d.py'"),
        ("model = dict(\n", "SyntaxError"),
        ("a = 3\nmodel = modell\n", "NameError in line 2: name 'modell' is not defined"),
    ],
)
def test_a_config_that_cannot_be_read_is_one_line(text, message, tmp_path):
    (tmp_path / "config.py").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        parsed(config=str(tmp_path / "config.py"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("model.parts.2.type", "model.parts has no entry '2'; expected 0 to 1"),
        ("model.parts.-1.type", "model.parts has no entry '-1'; expected 0 to 1"),
        ("model.parts.type", "model.parts has no entry 'type'; expected 0 to 1"),
        ("model.parts.0.rows.0", "model.parts.0.rows has no entry '0'; expected none, it is empty"),
    ],
)
def test_entries_that_a_list_does_not_have_are_said(key, said):
    cfg = Config(dict(model=dict(parts=[dict(type="A", rows=[]), dict(type="B")])))
    with pytest.raises(ConfigError) as info:
        override(cfg, {key: "C"})
    assert str(info.value) == f"--cfg-options {key}: {said}"
    override(cfg, {"model.parts.1.type": "C"})
    assert cfg.model.parts[1].type == "C"


def test_bands_are_named_by_numbers_and_ranges():
    assert band_numbers("7, 0,104-106,105") == [0, 7, 104, 105, 106]
    for text in ("", "1,", "-1", "3-1", "1-2-3", "2.5", "a", "99999999999"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected"):
            band_numbers(text)
