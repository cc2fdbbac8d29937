"""Comparison models against their authors' code: the same numbers from the same weights, as many parameters.

``tests/data/public_models.json`` was written by running the public code (zilongzhong/SSTN, ibanezfd/MAEST,
jingyao16/ExViT, xiachangxue/DeepHyperX, Z-Zheng/FreeNet): names and shapes of its weights, which are here filled as
they were there, its number of parameters, and what it gave for the images of :func:`images`, in evaluation.
"""

import argparse
import json
import math
import zlib
from pathlib import Path

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.complexity import count_stored
from mmhsi.models.weights import PUBLIC_MODELS, public_state, read_checkpoint
from mmhsi.registry import MODELS

PUBLIC = json.loads((Path(__file__).parents[1] / "data/public_models.json").read_text())


def value(key, shape):
    """What the public model's weight of this name was filled with."""
    draw = torch.Generator().manual_seed(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.long)
    if key.endswith("running_var"):
        return 0.5 + torch.rand(shape, generator=draw)
    values = torch.randn(shape, generator=draw)
    return values / math.prod(shape[1:]) ** 0.5 if len(shape) > 1 else 0.5 * values


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def layout(name):
    return {key: value(key, tuple(shape)) for key, shape in PUBLIC[name]["layout"].items()}


def preprocessor(kind, bands):
    return dict(type=kind, num_bands=bands, mean=[0.0] * bands, std=[1.0] * bands)


def classifier(classes, **backbone):
    parts = dict(backbone=backbone, data_preprocessor=preprocessor("ScenePreprocessor", backbone["in_channels"]))
    parts["neck"] = dict(type="mmpretrain.GlobalAveragePooling")
    parts["head"] = dict(type="mmpretrain.LinearClsHead", num_classes=classes)
    return MODELS.build(dict(type="PixelClassifier", **parts))


def load(model, weights):
    """Every weight has its place, and every place its weight."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(key.startswith("data_preprocessor.") for key in missing)


def segmentor(classes, **backbone):
    head = dict(type="mmseg.FCNHead", in_channels=backbone["embed_dims"], channels=backbone["embed_dims"])
    head.update(num_convs=0, concat_input=False, dropout_ratio=0.0, num_classes=classes)
    head.update(loss_decode=dict(type="CrossEntropyLoss"))
    parts = dict(backbone=backbone, data_preprocessor=preprocessor("TilePreprocessor", backbone["in_channels"]))
    return MODELS.build(dict(type="EncoderDecoder", decode_head=head, test_cfg=dict(mode="whole"), **parts))


CASES = {
    "SSTN, UP": (9, dict(type="SSTN", in_channels=103), (2, 103, 9, 9)),
    "SSTN, IN": (16, dict(type="SSTN", in_channels=200, embed_dims=16, stem="linear"), (2, 200, 9, 9)),
    "SSTN, KSC": (13, dict(type="SSTN", in_channels=176, embed_dims=13, ratio=4, stem="strided"), (2, 176, 9, 9)),
    "HiT": (5, dict(type="HiT", in_channels=26, embed_dims=64, depths=(1, 2, 1, 1)), (2, 26, 15, 15)),
    "MAEST": (6, dict(type="MAESTViT", in_channels=20, neighbors=5), (2, 20, 7, 7)),
    "MAEST, pixel": (6, dict(type="MAESTViT", in_channels=20, neighbors=5, window=1), (2, 20, 7, 7)),
    "ExViT": (15, dict(type="ExViT", in_channels=145, second_bands=1), (2, 145, 13, 13)),
}
# Parameters that the public code has and never uses.
UNUSED = ("attn.conv.", "conv_cls_head.")


def unused(name):
    keys = ("norm.weight", "norm.bias") if name.startswith("MAEST") else ()
    found = (
        shape for key, shape in PUBLIC[name]["layout"].items() if key in keys or any(part in key for part in UNUSED)
    )
    return sum(math.prod(shape) for shape in found)


@pytest.mark.parametrize("name", CASES)
def test_classifiers_equal_the_public_code(name):
    classes, backbone, shape = CASES[name]
    model = classifier(classes, **backbone).eval()
    load(model, public_state(name.split(",")[0], layout(name)))
    with torch.no_grad():
        logits = model(images(*shape), mode="tensor")
    assert list(logits.shape) == PUBLIC[name]["shape"]
    assert (logits.flatten() - torch.tensor(PUBLIC[name]["expected"])).abs().max() < 5e-6
    assert sum(p.numel() for p in model.parameters()) == PUBLIC[name]["parameters"] - unused(name)


def test_free_net_equals_the_public_code():
    backbone = dict(type="FreeNet", in_channels=12, embed_dims=24, block_channels=(32, 48, 64, 64))
    model = segmentor(4, **backbone).eval()
    load(model, public_state("FreeNet", layout("FreeNet")))
    with torch.no_grad():
        logits = model(images(1, 12, 16, 24), mode="tensor")[:, :, ::5, ::5]
    assert list(logits.shape) == PUBLIC["FreeNet"]["shape"]
    assert (logits.flatten() - torch.tensor(PUBLIC["FreeNet"]["expected"])).abs().max() < 5e-6
    assert sum(p.numel() for p in model.parameters()) == PUBLIC["FreeNet"]["parameters"]


def test_maest_reconstructs_as_the_public_code():
    name = "MAEST, pretraining"
    bands = 20
    parts = dict(backbone=dict(type="MAESTViT", in_channels=bands, cross_layer=False))
    parts["data_preprocessor"] = preprocessor("TilePreprocessor", bands)
    model = MODELS.build(dict(type="MAEST", **parts)).eval()
    load(model, public_state("MAEST", layout(name)))
    hidden = torch.zeros(2, bands, dtype=torch.bool)
    hidden[0, ::2] = hidden[1, :10] = True
    model.masking = Given(hidden)
    with torch.no_grad():
        made = model.predict_bands(images(2, bands, 7, 7))
    prediction = made.values[:, made.shown :, ::29]
    assert list(prediction.shape) == PUBLIC[name]["shape"]
    assert (prediction.flatten() - torch.tensor(PUBLIC[name]["expected"])).abs().max() < 5e-6


class Given:
    """A mask that is given, in the place of a strategy that draws one."""

    ratio = 0.5
    on_file_values = False

    def __init__(self, hidden):
        self.hidden = hidden

    def count(self, total):
        return total // 2

    def __call__(self, rng, inputs):
        return self.hidden


# Counted with the public code; HiT's without what it never uses.
FULL = {
    "HiT, 200 bands": (16, dict(type="HiT", in_channels=200), 56813657 - 5582352),
    "MAEST, Indian Pines, pixel": (16, dict(type="MAESTViT", in_channels=200, window=1), 346489 - 128),
    "MAEST, Pavia": (9, dict(type="MAESTViT", in_channels=103, neighbors=7), 183785 - 128),
    "MAEST, Houston 2013": (15, dict(type="MAESTViT", in_channels=144), 235632 - 128),
}


@pytest.mark.parametrize("name", FULL)
def test_full_models_have_the_public_number_of_parameters(name):
    classes, backbone, count = FULL[name]
    model = classifier(classes, **backbone)
    assert count_stored(model.head) + sum(p.numel() for p in model.backbone.parameters()) == count


@pytest.mark.parametrize(("bands", "classes", "count"), [(32, 24, 2653346), (204, 16, 2800922)])
def test_free_net_has_the_public_number_of_parameters(bands, classes, count):
    model = segmentor(classes, type="FreeNet", in_channels=bands, embed_dims=128)
    assert sum(p.numel() for p in model.parameters()) == count


def test_weights_of_another_model_are_refused():
    with pytest.raises(ConfigError, match=r"'ViT' are not known, expected one of ExViT, FreeNet, HiT, MAEST, SSTN"):
        public_state("ViT", {})
    for model in PUBLIC_MODELS:
        with pytest.raises(ConfigError, match=f"{model}: blocks.0 is none of its public code's"):
            public_state(model, {"blocks.0": torch.zeros(1)})
    with pytest.raises(ConfigError, match=r"layer1.s1.weight has shape \(1, 1, 7, 2, 1\)"):
        public_state("SSTN", {"layer1.s1.weight": torch.zeros(1, 1, 7, 2, 1)})


def test_the_tool_makes_of_a_trained_file_what_a_classifier_loads(run_tool, tmp_path):
    """A checkpoint as MAEST's code saves it, arguments among it, which is refused before it is trusted."""
    saved = dict(model=layout("MAEST"), optimizer={}, epoch=3, args=argparse.Namespace(mode="CAF"))
    torch.save(saved, tmp_path / "theirs.pth")
    public = ("weights", "convert", "MAEST")
    assert run_tool(*public, tmp_path / "theirs.pth", "--out", tmp_path / "ours.pth") == 2
    assert run_tool("converters/trust_checkpoint", tmp_path / "theirs.pth", "--out", tmp_path / "plain.pth") == 0
    assert run_tool(*public, tmp_path / "plain.pth", "--out", tmp_path / "ours.pth") == 0
    weights = read_checkpoint(tmp_path / "ours.pth")["state_dict"]
    load(classifier(6, type="MAESTViT", in_channels=20, neighbors=5), weights)
