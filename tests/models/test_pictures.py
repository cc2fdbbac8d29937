"""Encoders of pictures by name: sizes as published, conversion, and what becomes of the first layer."""

from dataclasses import replace

import pytest
import torch

from mmhsi.config_files import load_config
from mmhsi.errors import ConfigError
from mmhsi.estimator import pretrained
from mmhsi.models.weights import convert, read_checkpoint, resample_band_weights, write_checkpoint
from mmhsi.models.weights.families import WEIGHTS, catalogue
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec
from tests.models.test_layouts import SIZES, as_timm, mmpretrain_vit

RGB = (640.0, 550.0, 460.0)
MILLIONS = {
    **{"mae-vit-b": 86, "mae-vit-l": 303, "mae-vit-h": 631, "timm-vit-s": 22, "timm-vit-b": 86, "timm-vit-l": 303},
    **{"dinov2-vit-s": 22, "dinov2-vit-b": 86, "dinov2-vit-l": 304, "dinov2-vit-g": 1136, "mmpretrain-vit-b": 86},
    **{"dinov3-vit-s": 21.6, "dinov3-vit-s-plus": 28.7, "dinov3-vit-b": 85.7, "dinov3-vit-l": 303},
    **{"dinov3-vit-l-sat": 303, "dinov3-vit-h-plus": 840.5},
}
"""Parameters, as the publishers count them."""


@pytest.mark.parametrize("name", MILLIONS)
def test_sizes_are_those_published(name):
    assert WEIGHTS[name].wavelengths == RGB
    with torch.device("meta"):
        model = MODELS.build(dict(WEIGHTS[name].backbone, in_channels=3))
    assert sum(value.numel() for value in model.parameters()) / 1e6 == pytest.approx(MILLIONS[name], rel=0.02)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Weights of a small size in the catalogue; writes a file of theirs and converts it."""
    backbone = dict(type="HSIViT", arch=SIZES, img_size=32, patch_size=8, pos_embed="learned")
    monkeypatch.setenv("MMHSI_WEIGHTS", str(tmp_path))

    def make(name, state):
        monkeypatch.setitem(catalogue.WEIGHTS, name, replace(catalogue.WEIGHTS[name], backbone=backbone))
        torch.save(state, tmp_path / "published.pth")
        write_checkpoint(convert(name, tmp_path / "published.pth"), tmp_path / f"{name}.pth")
        return read_checkpoint(tmp_path / f"{name}.pth")

    return make


@pytest.mark.parametrize("name", ["mae-vit-b", "timm-vit-b", "mmpretrain-vit-b"])
def test_a_file_of_each_layout_is_converted(name, small):
    state = mmpretrain_vit().state_dict()
    given = {f"backbone.{key}": value for key, value in state.items()} | {"head.fc.weight": torch.zeros(3, 48)}
    published = {"mae-vit-b": {"model": as_timm(state)}, "timm-vit-b": as_timm(state)}.get(name, {"state_dict": given})
    made = small(name, published)
    assert torch.equal(made["state_dict"]["backbone.layers.2.attn.qkv.weight"], state["layers.2.attn.qkv.weight"])
    assert not [key for key in made["state_dict"] if "head" in key]
    spec = InputSpec.from_meta(made["meta"]["dataset_meta"], "test")
    assert spec.model_wavelengths == RGB
    assert WEIGHTS[name].license in spec.protocol


def test_a_config_says_what_becomes_of_the_first_layer(small, tmp_path):
    state = mmpretrain_vit().state_dict()
    small("timm-vit-b", as_timm(state))
    config = tmp_path / "config.py"
    centres = [450.0, 500.0, 560.0, 620.0, 680.0]
    for start, shape in (({}, 3), (dict(input_layer="interpolate", wavelengths=centres), 5)):
        options = f"pretrained='timm-vit-b', in_channels={shape}, init_cfg={start}"
        config.write_text(f"model = dict(backbone=dict({options}))\n")
        built = MODELS.build(load_config(config).model.backbone)
        built.init_weights()
        weight = built.patch_embed.projection.weight
        expected = state["patch_embed.projection.weight"]
        if start:
            expected = resample_band_weights(expected, 1, RGB, centres)
        torch.testing.assert_close(weight.detach(), expected)
    config.write_text("model = dict(backbone=dict(pretrained='timm-vit-b', in_channels=5))\n")
    with pytest.raises(ConfigError, match="input_layer='reinit' or 'interpolate' carries weights over"):
        MODELS.build(load_config(config).model.backbone).init_weights()
    for wrong in ("dict(type='Pretrained')", "dict(prefix='a.')", "'kaiming'"):
        config.write_text(f"model = dict(backbone=dict(pretrained='timm-vit-b', init_cfg={wrong}))\n")
        with pytest.raises(ConfigError, match="beside a name it may say input_layer, wavelengths"):
            load_config(config)


def test_the_estimator_takes_them_by_name(small):
    small("timm-vit-b", as_timm(mmpretrain_vit().state_dict()))
    spec = InputSpec(classes=("a",), bands=tuple(range(5)), file_bands=5, num_bands=5)
    assert pretrained.pretrained_candidate("timm-vit-b").window == 24
    assert "began anew" in pretrained.check_encoder("timm-vit-b", spec)
    known = replace(spec, model_wavelengths=(450.0, 500.0, 560.0, 620.0, 680.0))
    assert "interpolated" in pretrained.check_encoder("timm-vit-b", known)
