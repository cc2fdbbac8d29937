"""HyperSIGMA's weights in its two backbones: the layout of its public code, and its features.

Names, shapes and features in ``public_encoders.json`` are those that the public code gave, run elsewhere, at small
sizes: of pretraining (``SpatMAE``, ``SpecMAE``, decoder included), whose encoder sees all tokens in every layer, of
fine-tuning, two of three layers sampled, and of both branches fused, the scores of every fifth pixel.
"""

import pytest
import torch
import torch.nn.functional as F

from mmhsi.config_files import load_config
from mmhsi.errors import ConfigError
from mmhsi.models import HyperSIGMAFusion, HyperSIGMASpatial, HyperSIGMASpectral, transfer_weights
from mmhsi.models.weights.families import family_of, public_weights
from mmhsi.registry import MODELS
from tests.models.test_public_encoders import PUBLIC, public_state

ARCH = dict(embed_dims=32, num_layers=3, num_heads=2, feedforward_channels=128)


def image(*shape):
    count = torch.zeros(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.3717).float().view(1, *shape)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("branch", ["spat", "spec"])
def test_features_are_those_of_the_public_code(branch, sampled, tmp_path):
    layout, interval = f"HyperSIGMA-{branch}" + ", sampled" * sampled, 3 if sampled else 1
    if branch == "spat":
        model, x = HyperSIGMASpatial(5, ARCH, patch_size=4, interval=interval), image(5, 16, 24)
    else:
        tokens = 9 if sampled else 4
        model, x = HyperSIGMASpectral(10, ARCH, 8, tokens, interval), image(10, 8, 8)
    state = public_state(layout)
    if sampled:  # weights of fine-tuning have no decoder, by which the layout is known
        state["decoder_pos_embed"] = torch.zeros(1)
    torch.save({"model": state}, tmp_path / "public.pth")
    report = transfer_weights(model.eval(), tmp_path / "public.pth")
    assert report.unused == []
    assert set(report.new) == {"layers.pruned"}
    with torch.no_grad():
        seen = model.forward_tokens(x).patches
        (map_,) = model(x)
    torch.testing.assert_close(seen[0, :, :4], torch.tensor(PUBLIC[layout]["features"]), atol=2e-5, rtol=0)
    assert map_.shape == ((1, 32, 4, 6) if branch == "spat" else (1, 32, 1, 1))


def test_layouts_are_told_apart_from_that_of_an_mae_with_cls():
    for branch in ("spat", "spec"):
        assert family_of(public_state(f"HyperSIGMA-{branch}")).name == f"HyperSIGMA-{branch}"
    assert family_of({**public_state("HyperSIGMA-spat"), "cls_token": torch.zeros(1, 1, 32)}) is None


def test_bands_and_windows_of_another_sensor():
    spectral = HyperSIGMASpectral(30, ARCH, patch_size=8, num_tokens=4)
    assert spectral.band_axes() == {}
    assert spectral(torch.randn(2, 30, 5, 11))[0].shape == (2, 32, 1, 2)
    assert HyperSIGMASpatial(5, ARCH).band_axes() == {"patch_embed.projection.weight": 1}
    with pytest.raises(ConfigError, match="square"):
        HyperSIGMASpectral(8, ARCH, num_tokens=8, interval=3)


def test_hub_names_are_those_of_the_authors_table():
    found = public_weights("hypersigma-spec-vit-h")
    assert found.hub[:2] == ("WHU-Sigma/HyperSIGMA", "spec-vit-huge-ultra-checkpoint-1599.pth")


def fused_state():
    """Weights outside the layers four times as large, for the gates to differ visibly from one half."""
    state = public_state("HyperSIGMA-fusion")
    return {name: value * (4 if value.ndim > 1 and "blocks" not in name else 1) for name, value in state.items()}


def fused(img_size=16):
    layers = dict(arch={**ARCH, "num_layers": 4}, interval=3)
    spatial = dict(layers, patch_size=4, out_indices=(0, 1, 2, 3))
    spectral = dict(layers, patch_size=16, num_tokens=9, out_indices=(1,))
    return HyperSIGMAFusion(spatial, spectral, in_channels=11, img_size=img_size).eval()


def test_fused_features_are_those_of_the_public_code(tmp_path):
    state = fused_state()
    torch.save(state, tmp_path / "public.pt")
    model = fused()
    report = transfer_weights(model, tmp_path / "public.pt")
    assert set(report.new) == {"spatial.layers.pruned", "spectral.layers.pruned"}
    head = ("DR", "conv.", "cls.")
    assert all(name.startswith((*head, "spatial.norm", "spectral.norm", "spectral.layers.")) for name in report.unused)
    with torch.no_grad():
        maps = model(image(11, 16, 16))
        # The authors' head: the two deeper maps are pooled, all enlarged and reduced, the deepest first.
        pooled = [F.max_pool2d(each, side) for each, side in zip(maps, (1, 1, 2, 4), strict=True)]
        large = [F.interpolate(each, (16, 16), mode="bilinear", align_corners=True) for each in pooled[::-1]]
        reduced = [F.conv2d(each, state[f"DR{number}.weight"]) for number, each in enumerate(large, 1)]
        mixed = F.conv2d(torch.cat(reduced, dim=1), state["conv.weight"], state["conv.bias"])
        scores = F.conv2d(mixed, state["cls.weight"], state["cls.bias"])
    expected = torch.tensor(PUBLIC["HyperSIGMA-fusion"]["features"])
    torch.testing.assert_close(scores[0].flatten(1).T[::5], expected, atol=5e-5, rtol=0)


def test_a_gate_is_what_the_formula_says():
    torch.manual_seed(0)
    model, x = fused(), torch.randn(2, 11, 16, 16)
    with torch.no_grad():
        first, _, second, _ = model.gates[2]
        first.weight.copy_(torch.eye(128, 9))  # the summaries themselves
        second.weight.copy_(torch.eye(32, 128))
        model.summary.weight.fill_(0.1)
        tokens = model.spectral.embed(x).patches + model.spectral_pos_embed
        for layer in model.spectral.layers:
            tokens = layer(tokens)
        gate = (0.1 * tokens.sum(dim=2)).relu().sigmoid()
        _, patches, grid, *_ = model.spatial.embed(x)
        patches = patches + model.spatial_pos_embed
        for layer in model.spatial.layers[:3]:
            patches = layer(patches, grid)
        alone = patches.transpose(1, 2).unflatten(2, grid)
        found = model(x)[2]
    torch.testing.assert_close(found[:, :9], alone[:, :9] * (1 + gate)[..., None, None])
    torch.testing.assert_close(found[:, 9:], alone[:, 9:] * 1.5)  # no token's summary: a sigmoid of 0


def test_fused_branches_have_no_idle_weights_and_depths_of_their_layers():
    model = fused()
    sum(each.square().mean() for each in model(torch.randn(2, 11, 16, 16))).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    depths = {name: model.get_layer_depth(f"backbone.{name}", "backbone.") for name, _ in model.named_parameters()}
    assert depths["spatial_pos_embed"] == depths["spectral.spectral_embed.projection.weight"] == (0, 6)
    assert depths["spatial.layers.3.ln1.weight"] == (4, 6)
    assert depths["spectral.layers.1.ln1.weight"] == (2, 6)
    assert depths["gates.0.0.weight"] == depths["summary.weight"] == (5, 6)


def test_fused_positions_fit_other_images(tmp_path):
    torch.save(fused().state_dict(), tmp_path / "own.pth")
    larger = fused((16, 24))
    assert transfer_weights(larger, tmp_path / "own.pth").adapted == ["spatial_pos_embed"]
    assert larger(torch.randn(1, 11, 16, 24))[0].shape == larger(torch.randn(1, 11, 14, 21))[0].shape == (1, 32, 4, 6)
    torch.save(larger.state_dict(), tmp_path / "wide.pth")
    with pytest.raises(ConfigError, match="24 positions are no square"):
        transfer_weights(fused(), tmp_path / "wide.pth")


def test_fused_branches_by_the_names_of_their_weights(tmp_path):
    """As the authors fine-tune: ViT-B's sampled layers and maps, and of each branch the file."""
    (tmp_path / "config.py").write_text(
        "model = dict(backbone=dict(type='HyperSIGMAFusion', spatial=dict(pretrained='hypersigma-spat-vit-b'),"
        " spectral=dict(pretrained='hypersigma-spec-vit-b')))"
    )
    config = load_config(tmp_path / "config.py").model.backbone.to_dict()
    assert config["spatial"]["init_cfg"]["input_layer"] == "reinit"
    with torch.device("meta"):
        model = MODELS.build(dict(config, in_channels=30, img_size=128))
    assert model.out_indices == (3, 5, 7, 11)
    assert len(model.spectral.layers) == 4
    sampled = [hasattr(layer.attn, "sampling_offsets") for layer in model.spatial.layers]
    assert sampled == [True, True, False] * 4
    with pytest.raises(ConfigError, match="HyperSIGMASpectral, expected HyperSIGMASpatial; are the two exchanged"):
        MODELS.build(dict(config, spatial=config["spectral"], spectral=config["spatial"]))
    files = [getattr(model, name).init_cfg["checkpoint"] for name in ("spatial", "spectral")]
    assert files == ["weights/hypersigma-spat-vit-b.pth", "weights/hypersigma-spec-vit-b.pth"]


def test_fused_branches_start_from_their_files(tmp_path):
    branches = {}
    for name, options in (("spat", dict(patch_size=4)), ("spec", dict(patch_size=8, num_tokens=4))):
        torch.save({"model": public_state(f"HyperSIGMA-{name}")}, tmp_path / f"{name}.pth")
        start = dict(type="Pretrained", checkpoint=str(tmp_path / f"{name}.pth"))
        branches[name] = dict(arch=ARCH, out_indices=(1,), init_cfg=start, **options)
    model = HyperSIGMAFusion(branches["spat"], branches["spec"], in_channels=5, img_size=8)
    model.init_weights()
    for branch, name in ((model.spatial, "spat"), (model.spectral, "spec")):
        expected = public_state(f"HyperSIGMA-{name}")["blocks.1.attn.qkv.weight"]
        assert torch.equal(branch.layers[1].attn.qkv.weight, expected)
    assert model(torch.randn(1, 5, 8, 8))[0].shape == (1, 32, 2, 2)
