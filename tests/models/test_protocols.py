"""What algorithms ask of a backbone, and that a user's own one gives it as docs/extend/backbone.md says."""

import copy
import itertools
import sys
import types

import pytest
import torch
from doc_blocks import ROOT, blocks_of
from small_algorithms import ALGORITHMS, BANDS, SIDE, preprocessor
from small_parts import ARGUMENTS

from mmhsi.errors import ConfigError
from mmhsi.models import protocols
from mmhsi.models.layers import Tokens
from mmhsi.models.protocols import (
    AdaptableModel,
    AnyBandBackbone,
    AttentiveBackbone,
    BandedBackbone,
    CentreBackbone,
    DenseBackbone,
    FinerBackbone,
    GridBackbone,
    LayeredBackbone,
    MaskTokenBackbone,
    PixelEmbeddingBackbone,
    PrunableBackbone,
    ResamplingBackbone,
    ResizableModel,
    ScaledBackbone,
    SizedBackbone,
    TokenBackbone,
    VisibleBackbone,
    check_plain,
    check_protocol,
    members,
)
from mmhsi.models.pruning import prune
from mmhsi.registry import MODELS

COMMON = {TokenBackbone, AnyBandBackbone, PrunableBackbone, BandedBackbone, LayeredBackbone}
SATISFIED = {
    "HSIViT": COMMON
    | {VisibleBackbone, MaskTokenBackbone, AttentiveBackbone, AdaptableModel, GridBackbone, PixelEmbeddingBackbone},
    "HyperSIGMAFusion": {PrunableBackbone, BandedBackbone, LayeredBackbone, AdaptableModel, GridBackbone},
    "HyperSIGMASpatial": COMMON,
    "HyperSIGMASpectral": COMMON,
    "IMAEViT": COMMON | {VisibleBackbone, AttentiveBackbone, PixelEmbeddingBackbone},
    "SSMAEFusion": COMMON | {VisibleBackbone, AttentiveBackbone, GridBackbone},
    "SSMAEViT": COMMON | {VisibleBackbone, AttentiveBackbone, GridBackbone},
    "SST": COMMON | {VisibleBackbone, ResamplingBackbone},
    "SpatialSpectralViT": COMMON | {MaskTokenBackbone, AttentiveBackbone, GridBackbone},
    "CNN2D": {BandedBackbone, DenseBackbone, ResizableModel},
    "CNN3D": {BandedBackbone, DenseBackbone, ResizableModel},
    "MultiScaleWindows": {BandedBackbone, LayeredBackbone, ScaledBackbone, SizedBackbone},
    "SpectralCNN1D": {BandedBackbone, CentreBackbone},
    "SpectralRNN": {BandedBackbone, CentreBackbone},
    "TwoSources": {BandedBackbone, DenseBackbone, FinerBackbone, SizedBackbone},
}
VITS = {name: keys for name, keys in ARGUMENTS.items() if TokenBackbone in SATISFIED.get(name.split(",")[0], ())}
ALL = {value for value in vars(protocols).values() if getattr(value, "_is_runtime_protocol", False)}


def build(name, **keys):
    torch.manual_seed(0)
    return MODELS.build(dict(type=name.split(",")[0], **copy.deepcopy(ARGUMENTS[name]), **keys))


@pytest.mark.parametrize("name", SATISFIED)
def test_backbones_satisfy_what_they_say(name):
    model = build(name)
    assert {protocol for protocol in ALL if isinstance(model, protocol)} == SATISFIED[name]


def test_members_are_those_of_the_bases_too():
    facts = {"in_channels", "embed_dims", "patch_size", "num_blocks", "num_groups", "with_cls"}
    methods = {"embed", "encode", "forward_tokens"}
    assert members(TokenBackbone) == facts | methods
    assert members(VisibleBackbone) == facts | methods | {"forward_visible"}
    assert members(PrunableBackbone) == {"prunable_stages"}


@pytest.mark.parametrize("name", VITS)
def test_tokens_have_one_shape(name):
    model = build(name).eval()
    x = torch.randn(2, 30, 9, 9)
    tokens = model.forward_tokens(x)
    assert isinstance(tokens, Tokens)
    side = 9 // model.patch_size
    assert tokens.grid == (side, side)
    assert tokens.patches.shape == (2, model.num_blocks * side**2, model.embed_dims)
    assert (tokens.cls is not None) == model.with_cls
    assert (tokens.spectral is not None) == (tokens.spectral_cls is not None) == bool(model.num_groups)
    if model.with_cls:
        assert tokens.cls.shape == (2, model.embed_dims)
    if model.num_groups:
        assert tokens.spectral.shape == (2, model.num_groups, model.embed_dims)
        assert tokens.spectral_cls.shape == (2, model.embed_dims)
    last = model.encode(model.embed(x), (0, model.depth - 1))[-1]
    assert torch.equal(last.patches, tokens.patches)
    map_of_tokens = model.to_map(tokens)  # SSMAEFusion's map has CNNs beside them
    assert torch.equal(map_of_tokens, model(x)[-1][:, : map_of_tokens.shape[1]])


@pytest.mark.parametrize("name", [name for name in VITS if not name.startswith(("SpatialSpectral", "HyperSIGMA"))])
def test_visible_tokens_do_not_depend_on_hidden_ones(name):
    model = build(name).eval()
    side = 9 // model.patch_size
    total = model.num_blocks * side**2
    visible = torch.stack([torch.randperm(total)[: total // 2].sort().values for _ in range(2)])
    others = (torch.arange(30).expand(2, -1),) if model.num_groups else ()
    x = torch.randn(2, 30, 9, 9)
    tokens = model.forward_visible(x, visible, *others)
    assert tokens.patches.shape == (2, total // 2, model.embed_dims)
    if model.num_blocks == 1:
        hidden = torch.ones(2, total, dtype=torch.bool).scatter_(1, visible, False).view(2, 1, side, side)
        pixels = hidden.repeat_interleave(model.patch_size, 2).repeat_interleave(model.patch_size, 3)
        changed = torch.where(pixels, 5 * torch.randn_like(x), x)
        assert torch.equal(model.forward_visible(changed, visible, *others).patches, tokens.patches)
    everything = torch.arange(total).expand(2, -1)
    whole = model.forward_visible(x, everything, *others)
    assert torch.allclose(whole.patches, model.forward_tokens(x).patches, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CNN2D", "MAE: CNN2D is no VisibleBackbone, it lacks .*embed, encode, forward_tokens, forward_visible"),
        ("SpatialSpectralViT", "MAE: SpatialSpectralViT is no VisibleBackbone, it lacks forward_visible "),
        (
            "SST",
            "MAE: SST has with_cls=False, num_blocks=8 and num_groups=0, expected a CLS token",
        ),
        ("SSMAEViT", "MAE: SSMAEViT has with_cls=True, num_blocks=1 and num_groups=30, expected"),
    ],
)
def test_what_is_missing_is_named(name, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(dict(ALGORITHMS["MAE"], backbone=dict(type=name, **ARGUMENTS[name])))


def test_checks_give_the_backbone_back():
    model = build("HSIViT")
    assert check_protocol("here", model, MaskTokenBackbone) is model
    assert check_plain("here", model) is model


# A backbone of a user's own, as the page of the documentation writes it.


@pytest.fixture
def plain_vit():
    (block,) = (b for b in blocks_of(ROOT / "docs/extend/backbone.md") if b.file == "my_project/plain_vit.py")
    before = set(MODELS.module_dict)
    module = types.ModuleType("my_project.plain_vit")
    sys.modules[module.__name__] = module
    exec(compile(block.code, block.file, "exec"), vars(module))
    yield dict(type="PlainViT", in_channels=BANDS, embed_dims=16)
    for name in set(MODELS.module_dict) - before:
        del MODELS.module_dict[name]
    del sys.modules[module.__name__]


def one_step(model, inputs):
    """Losses before and after a step on the same batch, with the same masks; the gradients have reached everything."""
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    totals = []
    for _ in range(2):
        torch.manual_seed(1)
        losses = model(inputs, mode="loss")
        total = sum(value for name, value in losses.items() if "loss" in name)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    return totals


def test_the_documented_backbone_is_pretrained_by_mae(plain_vit):
    torch.manual_seed(0)
    model = MODELS.build(dict(ALGORITHMS["MAE"], backbone=plain_vit, data_preprocessor=preprocessor("MAE")))
    before, after = one_step(model, torch.randn(4, BANDS, SIDE, SIDE))
    assert after < before
    unused = {name for name, p in model.backbone.named_parameters() if p.grad is None}
    assert unused == {"mask_token"}  # the decoder has its own


def test_the_documented_backbone_is_pretrained_by_dinov2(plain_vit):
    torch.manual_seed(0)
    model = MODELS.build(dict(ALGORITHMS["DINOv2"], backbone=plain_vit, data_preprocessor=preprocessor("DINOv2")))
    views = [torch.randn(4, BANDS, side, side) for side in (SIDE, SIDE, 6)]
    before, after = one_step(model, views)
    assert after < before
    assert all(p.grad is not None for p in model.student.parameters())
    student, teacher = model.student.state_dict(), model.teacher.state_dict()
    assert not torch.equal(student["backbone.cls_token"], teacher["backbone.cls_token"])
    model.update_teacher(0.0)
    assert all(torch.equal(teacher[key], value) for key, value in student.items())


def test_the_documented_backbone_gives_maps_and_is_pruned(plain_vit):
    model = MODELS.build(plain_vit).eval()
    for height, width in itertools.product((9, 7), (9, 12)):
        (found,) = model(torch.randn(2, BANDS, height, width))
        assert found.shape == (2, 16, -(-height // 3), width // 3)
    assert prune(model, 1) == {"layers": [0]} or prune(model, 1) == {"layers": [1]}
    assert model.get_layer_depth("backbone.layers.1.norm1.weight", "backbone.") == (2, 4)
