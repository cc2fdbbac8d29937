"""A constructed model is a usable one: its weights are drawn, its positions matter, nothing is left to be said."""

import copy
import importlib
import logging
import math
import re

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from small_algorithms import ALGORITHMS, VIT, preprocessor
from small_parts import ARGUMENTS
from torch import nn

from mmhsi.models.layers import sinusoid_2d
from mmhsi.registry import MODELS

PARTS = ("backbones", "decode_heads", "heads", "necks")
DECODERS = ("IMAEDecoder", "LOMSSTDecoder", "MAEDecoder")


def xavier(owner, weight):
    """Of a linear map; a convolution is one of all that it covers, blocks of maps (G, in, out) have one each."""
    blocks = weight.dim() == 3 and not isinstance(owner, nn.Conv1d)
    return math.sqrt(2 / sum(weight.shape[1:] if blocks else weight.flatten(1).shape))


def torchs(owner, value):
    """Torch's own: uniform, by the number of inputs, which transposed convolutions count as outputs."""
    inputs = owner.hidden_size if isinstance(owner, nn.GRU) else owner.weight[0].numel()
    return 1 / math.sqrt(3 * inputs)


def kaiming(owner, weight):
    """For ReLU, by the number of outputs, as mmcv draws convolutions that a norm follows."""
    return math.sqrt(2 / (weight.shape[0] * weight[0, 0].numel()))


NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm)
CONSTANT = {"zeros": 0.0, "ones": 1.0, "tiny": 1e-5}
TORCH = [("", torchs)]
TRANSFORMER = [
    (r"(cls_token|ins_token|mask_token|registers|pos_embed)$", 0.02),
    (r"^centre_mark$", 1.0),
    (r"sampling_offsets\.weight$", 0.02),
    (r"gamma\d\.weight$", "tiny"),  # LayerScale
    (r"^fusions\..*(out_proj|mixes|to_spatial\.weight|to_spectral\.weight)", "zeros"),  # exchanges
    (r"^(position|cnn)\.", torchs),
    (r"bias$", "zeros"),
    ("", xavier),
]
DECODE = [(r"conv_seg\.weight$", 0.01), (r"conv_seg\.bias$", "zeros"), (r"\.conv\.weight$", kaiming), ("", torchs)]
DINO = [(r"original0$", "ones"), (r"bias$", "zeros"), ("", 0.02)]
HIT = [
    (r"^stem\.\d\.weight$", 1.0),
    (r"gate\.narrow\.weight$", "zeros"),
    (r"^stages.*\.(weigh|project|mlp)\..*bias$", "zeros"),
    (r"^stages.*\.(weigh|project|mlp)\.", 0.02),
    *TORCH,
]
RULES = {
    **dict.fromkeys(
        ("CNN2D", "CNN3D", "FreeNet", "MultiScaleWindows", "SpectralCNN1D", "SpectralRNN", "TwoSources"), TORCH
    ),
    **{name: [(r"^(cls_token|pos_embed)$", 1.0), *TORCH] for name in ("ExViT", "MAESTViT")},
    "HiT": HIT,
    "SSTN": [(r"gate$", "zeros"), *TORCH],
    **dict.fromkeys(("CNNHead", "UNetHead", "MultiscaleLinearHead", "TokenLinearHead"), DECODE),
    "DINOHead": DINO,
    **dict.fromkeys(("AbundanceHead", "LevelProjection", "RegressionHead"), TORCH),
}
"""For the parameters of each, those of norms aside: the first pattern that is found, and a constant or a deviation."""


def build(name):
    torch.manual_seed(0)
    return MODELS.build(dict(type=name.split(",")[0], **copy.deepcopy(ARGUMENTS[name])))


def registered():
    importlib.import_module("mmhsi.models.decode_heads")  # which comes when it is asked for
    packages = tuple(f"mmhsi.models.{part}." for part in PARTS)
    return {name for name, cls in MODELS.module_dict.items() if cls.__module__.startswith(packages)}


def test_every_part_is_tried():
    assert {name.split(",")[0] for name in ARGUMENTS} == registered() | set(DECODERS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_parameters_start_with_their_distribution(name):
    model = build(name)
    for key, value in model.named_parameters():
        owner, values = model.get_submodule(key.rpartition(".")[0]), value.detach().flatten()
        rules = RULES.get(name, TRANSFORMER)
        rule = next(rule for pattern, rule in rules if re.search(pattern, key))
        if isinstance(owner, NORMS):
            rule = "ones" if key.endswith("weight") else "zeros"
        if rule in CONSTANT:
            assert (values == CONSTANT[rule]).all(), key
            continue
        std, noise = rule(owner, value) if callable(rule) else rule, 5 / math.sqrt(len(values))
        assert abs(values.mean()) < noise * std, key
        assert len(values) < 9 or abs(values.std() / std - 1) < noise, key


def shuffled(x, patch, order):
    """The patches of images (B, C, H, W) in another order."""
    return F.fold(F.unfold(x, patch, stride=patch)[..., order], x.shape[2:], patch, stride=patch)


SUMMED_UP = ("ExViT", "MAESTViT", "SSTN")  # no map whose order could be put back; see test_comparison.py
WITH_POSITIONS = [
    name for name in ARGUMENTS if ("ViT" in name or name.startswith(("SST", "SSMAE"))) and name not in SUMMED_UP
]


@pytest.mark.parametrize("name", WITH_POSITIONS)
def test_positions_matter(name):
    model = build(name).eval()
    patch, side = model.patch_size, 9 // model.patch_size
    x, order = torch.randn(2, 30, 9, 9), torch.randperm(side**2)
    moved = model(shuffled(x, patch, order))[0].flatten(2)
    stayed = model(x)[0].flatten(2)[..., order]
    assert (moved - stayed).square().mean() > 1e-4 * stayed.var()  # rounding: 1e-12
    if name == "HSIViT":  # without its table the order is all that changes
        model.pos_embed.zero_()
        blind = model(shuffled(x, patch, order))[0].flatten(2)
        assert torch.allclose(blind, model(x)[0].flatten(2)[..., order], atol=1e-5)


def test_fixed_tables_are_buffers_under_the_names_of_old_checkpoints():
    vit, decoder = build("HSIViT"), build("MAEDecoder")
    assert torch.equal(vit.pos_embed[0, 1:], sinusoid_2d(3, 3, 128))
    assert torch.equal(decoder.decoder_pos_embed[0, 1:], sinusoid_2d(3, 4, 64))
    for model, key in ((vit, "pos_embed"), (decoder, "decoder_pos_embed")):
        assert key in model.state_dict()
        assert key not in dict(model.named_parameters())
        assert (getattr(model, key)[0, 0] == 0).all()


def test_frozen_stages_are_frozen_from_the_beginning():
    model = MODELS.build(dict(VIT, frozen_stages=1, drop_rate=0.5))
    trained = {name.split(".")[0] + name.split(".")[1][:1] for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"layers1", "normw", "normb"}
    assert [layer.training for layer in model.layers] == [False, True]


# init_weights


@pytest.fixture
def logged():
    """What the log has been told."""
    lines = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.INFO)  # which commands in this process may have raised
    logger.addHandler(handler)
    yield lines
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.parametrize("name", [*ARGUMENTS, *ALGORITHMS])
def test_init_weights_has_nothing_left_to_do_or_to_say(name, logged):
    if name in ARGUMENTS:
        model = build(name)
    else:
        model = MODELS.build(dict(ALGORITHMS[name], data_preprocessor=preprocessor(ALGORITHMS[name]["type"])))
    before = copy.deepcopy(model.state_dict())
    model.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not logged


def classifier(**backbone):
    head = dict(type="mmpretrain.LinearClsHead", in_channels=32, num_classes=3)
    neck, scene = dict(type="CenterContext"), preprocessor("PixelClassifier")
    return MODELS.build(
        dict(type="PixelClassifier", data_preprocessor=scene, backbone=dict(VIT, **backbone), neck=neck, head=head)
    )


def test_a_sister_packages_head_keeps_its_own_initialisation_and_is_named_in_one_line(logged):
    model = classifier()
    model.init_weights()
    assert model.head.fc.weight.std() < 0.02  # mmpretrain's 0.01; torch's would be 0.1
    (line,) = logged
    assert line.startswith("PixelClassifier.init_weights: 2 parameters (head.fc.weight, head.fc.bias): NormalInit")


def test_init_cfg_is_applied(logged):
    model = MODELS.build(dict(VIT, init_cfg=dict(type="Constant", layer="Conv2d", val=0.5, bias=2)))
    assert model.patch_embed.projection.weight.std() > 0
    model.init_weights()
    assert (model.patch_embed.projection.weight == 0.5).all()
    (line,) = logged
    assert "2 parameters (patch_embed.projection.weight, patch_embed.projection.bias): ConstantInit" in line


def test_a_file_of_the_log_gets_no_more_than_the_log(tmp_path):
    name = "construction"
    logger = MMLogger.get_instance(name, logger_name=name, log_file=str(tmp_path / "run.log"))
    classifier().init_weights()
    for handler in logger.handlers:
        handler.flush()
    text = (tmp_path / "run.log").read_text()
    assert text.count("\n") <= 3
    assert "head.fc.weight" in text


def test_the_teacher_begins_as_the_student_and_follows_what_it_loads(tmp_path):
    config = dict(ALGORITHMS["DINOv2"], data_preprocessor=preprocessor("DINOv2"))
    model = MODELS.build(config)
    torch.save(dict(state_dict=model.student.backbone.state_dict()), tmp_path / "vit.pth")
    init = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
    second = MODELS.build(dict(config, backbone=dict(config["backbone"], init_cfg=init)))
    loaded, own = model.student.backbone.cls_token, second.student.backbone.cls_token.clone()
    for token in (own, loaded):
        assert torch.equal(second.student.backbone.cls_token, token)
        assert torch.equal(second.teacher.backbone.cls_token, token)
        second.init_weights()
