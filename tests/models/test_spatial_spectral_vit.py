"""SpatialSpectralViT."""

import math

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.hsi_vit import HSIViT
from mmhsi.models.backbones.spatial_spectral_vit import SpatialSpectralViT

PAPER = dict(in_channels=32, mode="paper")
D = 128  # width of the tiny preset


def count(module):
    return sum(p.numel() for p in module.parameters())


def build(in_channels=8, excite=True, **kwargs):
    """A tiny model with weights under which nothing is zero, so that every path shows."""
    torch.manual_seed(0)
    model = SpatialSpectralViT(in_channels, **{**dict(arch="tiny", layer_scale_init_value=0.5), **kwargs})
    if excite:
        for fusion in model.fusions:
            for parameter in fusion.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
    return model


def parts_of(tokens):
    return [tokens.cls, tokens.patches, tokens.spectral_cls, tokens.spectral]


def first_inputs(model, x, **masks):
    """What the first layer of each stream receives."""
    seen = {}
    hooks = [
        getattr(model, name)[0].register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: inputs[0].detach().clone()})
        )
        for name in ("spatial_layers", "spectral_layers")
    ]
    with torch.no_grad():
        model.forward_tokens(x, **masks)
    for hook in hooks:
        hook.remove()
    return seen["spatial_layers"], seen["spectral_layers"]


# Parameters: the dissertation's total less the head, and counts worked out by hand.


@pytest.mark.parametrize(("ffn_type", "with_head"), [("origin", 202_915_984), ("swiglu_fused", 202_940_560)])
def test_paper_mode_has_the_dissertations_parameters(ffn_type, with_head):
    with torch.device("meta"):
        model = SpatialSpectralViT(**PAPER, ffn_type=ffn_type)
    assert count(model) == with_head - 23_138_560
    if ffn_type == "origin":
        assert count(model) == 179_777_424


def test_paper_fusion_has_9996_parameters_a_block():
    with torch.device("meta"):
        model = SpatialSpectralViT(**PAPER)
    assert [count(fusion) for fusion in model.fusions] == [9_996] * 12
    shapes = {name: tuple(p.shape[:2]) for name, p in model.fusions[0].named_parameters() if name.endswith("weight")}
    assert sorted(shapes.values()) == [(21, 42), (21, 42), (21, 90), (69, 90)]


@pytest.mark.parametrize(
    ("fusion", "exchange"),
    [("cross_attention", 2 * (4 * D * D + 4 * D) + 4 * D), ("pooled", 2 * (2 * D * D + D) + 4 * D)],
)
def test_any_mode_has_no_parameter_for_positions_or_the_other_size(fusion, exchange):
    model = SpatialSpectralViT(10, arch="tiny", patch_size=4, spectral_patch_size=3, spectral_grid=5, fusion=fusion)
    layer = 2 * 2 * D + (3 * D * D + 3 * D) + (D * D + D) + (4 * D * D + 4 * D) + (4 * D * D + D) + 2 * D
    embeddings = (10 * 16 + 1) * D + (3 * 25 + 1) * D
    assert count(model) == 8 * layer + 4 * exchange + embeddings + (2 + 4 + 2) * D + 4 * D


# Any mode.


@pytest.mark.parametrize("fusion", ["cross_attention", "pooled"])
@pytest.mark.parametrize(("height", "width", "bands"), [(15, 15, 103), (40, 56, 48), (1, 1, 4)])
def test_any_mode_takes_any_size_and_every_parameter_learns(fusion, height, width, bands):
    model = build(bands, fusion=fusion)
    h, w, g = -(-height // 8), -(-width // 8), -(-bands // 2)
    spatial_mask, spectral_mask = torch.zeros(2, h * w, dtype=torch.bool), torch.zeros(2, g, dtype=torch.bool)
    spatial_mask[0, 0] = spectral_mask[1, 1] = True
    x = torch.randn(2, bands, height, width)
    tokens = model.forward_tokens(x, spatial_mask, spectral_mask)
    parts = parts_of(tokens)
    assert [tuple(part.shape) for part in parts] == [(2, D), (2, h * w, D), (2, D), (2, g, D)]
    assert tokens.grid == (h, w)
    assert all(part.isfinite().all() for part in parts)
    sum((part * torch.randn_like(part)).sum() for part in parts).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("fusion", ["cross_attention", "pooled"])
def test_maps_of_all_out_indices(fusion):
    model = build(fusion=fusion, out_indices=(0, 2, -1)).eval()
    x = torch.randn(2, 8, 40, 56)
    maps = model(x)
    assert [tuple(m.shape) for m in maps] == [(2, D, 5, 7)] * 3
    tokens = model.forward_tokens(x)
    for row, column in ((0, 0), (1, 5), (4, 6)):
        assert torch.equal(maps[-1][:, :, row, column], tokens.patches[:, 7 * row + column])


def test_streams_begin_as_plain_transformers():
    """Before training nothing is exchanged: the spatial map is that of an HSIViT with the same weights."""
    model = build(excite=False, num_registers=0, layer_scale_init_value=0.0, img_size=(24, 32)).eval()
    plain = HSIViT(8, arch="tiny", img_size=(24, 32)).eval()
    plain.patch_embed.load_state_dict(model.patch_embed.state_dict())
    for layer, own in zip(plain.layers, model.spatial_layers, strict=True):
        layer.load_state_dict(own.state_dict())
    plain.norm.load_state_dict(model.spatial_norm.state_dict())
    plain.cls_token.data.copy_(model.spatial_cls_token.data)
    for size in ((24, 32), (40, 17)):
        x = torch.randn(2, 8, *size)
        assert torch.allclose(model(x)[0], plain(x)[0], atol=1e-5)


@pytest.mark.parametrize("kwargs", [dict(), dict(fusion="pooled"), dict(mode="paper")])
def test_streams_exchange_both_ways(kwargs):
    model = build(**kwargs).eval()
    x = torch.randn(1, 8, 64, 64)
    hidden_spatial, hidden_spectral = torch.ones(1, 64, dtype=torch.bool), torch.ones(1, 4, dtype=torch.bool)
    before = model.forward_tokens(x, mask=hidden_spatial)
    after = model.forward_tokens(x + torch.randn_like(x), mask=hidden_spatial)
    assert not torch.allclose(before.patches, after.patches, atol=1e-4)
    before = model.forward_tokens(x, spectral_mask=hidden_spectral)
    after = model.forward_tokens(x + torch.randn_like(x), spectral_mask=hidden_spectral)
    assert not torch.allclose(before.spectral, after.spectral, atol=1e-4)


# Positions.


def spectral_codes(wavelengths, q=2):
    bands = len(wavelengths)
    return SpatialSpectralViT(bands, arch="tiny", spectral_patch_size=q, wavelengths=wavelengths).spectral_pos_embed[0]


def test_spectral_code_is_the_sinusoid_of_the_groups_mean_wavelength():
    codes = spectral_codes((400.0, 410.0, 2200.0, 2210.0, 900.0))
    assert codes.shape == (4, D)
    assert not codes[0].any()  # CLS
    for code, centre in zip(codes[1:], (405.0, 2205.0, 900.0), strict=True):
        for i in (0, 1, 30, 63):
            angle = centre / 10000 ** (i / 64)
            assert code[i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert code[64 + i] == pytest.approx(math.cos(angle), abs=1e-6)


def test_without_wavelengths_the_band_index_counts():
    by_index = SpatialSpectralViT(5, arch="tiny").spectral_pos_embed[0, 1:]
    for code, centre in zip(by_index, (0.5, 2.5, 4.0), strict=True):
        assert code[0] == pytest.approx(math.sin(centre), abs=1e-6)
        assert code[64] == pytest.approx(math.cos(centre), abs=1e-6)


def test_spectral_positions_reach_the_spectral_stream():
    """The dissertation's code forgot to add them."""
    for kwargs in (dict(), dict(mode="paper")):
        model = build(**kwargs).eval()
        _, spectral = first_inputs(model, torch.zeros(1, 8, 64, 64))
        assert torch.allclose(spectral[0, 5:], model.spectral_pos_embed[0, 1:], atol=1e-6)
        assert torch.allclose(spectral[0, 0], (model.spectral_cls_token[0] + model.spectral_pos_embed[0])[0], atol=1e-6)


def test_registers_are_shared_and_carry_no_position():
    model = build(mode="paper").eval()
    spatial, spectral = first_inputs(model, torch.randn(2, 8, 64, 64))
    for tokens in (spatial, spectral):
        assert torch.equal(tokens[:, 1:5], model.registers.expand(2, -1, -1))


def test_positions_of_a_rectangle_are_not_scrambled():
    model = build(img_size=(40, 56)).eval()  # 5 x 7 patches
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    model.spatial_pos_embed[0, 1:, 0] = rows.flatten()
    model.spatial_pos_embed[0, 1:, 1] = columns.flatten()
    spatial, _ = first_inputs(model, torch.zeros(1, 8, 80, 112))  # 10 x 14 patches; biases are zero
    resized = spatial[0, 5:, :2].unflatten(0, (10, 14))
    # Pixel centres of the finer grid, which torch's bicubic (a = -0.75) meets within a few hundredths off the border.
    wanted_rows, wanted_columns = (torch.arange(10.0) - 0.5) / 2, (torch.arange(14.0) - 0.5) / 2
    assert torch.allclose(resized[3:7, :, 0], wanted_rows[3:7, None].expand(4, 14), atol=0.05)
    assert torch.allclose(resized[:, 3:11, 1], wanted_columns[None, 3:11].expand(10, 8), atol=0.05)
    assert (resized[1:, :, 0] > resized[:-1, :, 0]).all()
    assert (resized[:, 1:, 1] > resized[:, :-1, 1]).all()


# Paper mode.


@pytest.mark.parametrize(("size", "unused"), [(64, ("32x32", "mixes.21.")), (32, ("64x64", "mixes.69."))])
def test_paper_mode_takes_its_two_sizes(size, unused):
    model = build(32, mode="paper")
    spatial_mask = torch.zeros(2, (size // 8) ** 2, dtype=torch.bool)
    spectral_mask = torch.zeros(2, 16, dtype=torch.bool)
    spatial_mask[0, 3] = spectral_mask[0, 3] = True
    tokens = model.forward_tokens(torch.randn(2, 32, size, size), spatial_mask, spectral_mask)
    assert tokens.grid == (size // 8, size // 8)
    assert tokens.spectral.shape == (2, 16, D)
    sum((part * torch.randn_like(part)).sum() for part in parts_of(tokens)).backward()
    for name, parameter in model.named_parameters():
        if any(key in name for key in unused):
            assert parameter.grad is None, name
        else:
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


@pytest.mark.parametrize("size", [(48, 48), (64, 32), (65, 64)])
def test_paper_mode_names_its_two_sizes(size):
    message = rf"takes 64x64 and 32x32 pixels, got {size[0]}x{size[1]}"
    with pytest.raises(ConfigError, match=message):
        build(mode="paper")(torch.zeros(1, 8, *size))


def test_paper_mode_takes_other_pairs_of_sizes():
    model = build(5, mode="paper", img_size=(24, 32), local_img_size=16)
    assert model(torch.randn(1, 5, 24, 32))[0].shape == (1, D, 3, 4)
    assert model(torch.randn(1, 5, 16, 16))[0].shape == (1, D, 2, 2)


# Masks.


@pytest.mark.parametrize("kwargs", [dict(), dict(mode="paper")])
def test_spatial_mask_hides_exactly_the_masked_patches(kwargs):
    model = build(**kwargs).eval()
    x = torch.randn(2, 8, 64, 64)
    mask = torch.zeros(2, 64, dtype=torch.bool)
    mask[0, [3, 9]] = mask[1, 63] = True
    plain, _ = first_inputs(model, x)
    masked, _ = first_inputs(model, x, mask=mask)
    patches = masked[:, model.num_extra_tokens :]
    assert torch.equal(patches[~mask], plain[:, model.num_extra_tokens :][~mask])
    wanted = (model.spatial_mask_token + model.spatial_pos_embed[:, 1:]).expand(2, -1, -1)
    assert torch.allclose(patches[mask], wanted[mask], atol=1e-6)
    changed = x.clone()
    changed[0, :, 8:16, 8:16] += 5  # patch 9
    assert torch.equal(first_inputs(model, changed, mask=mask)[0], masked)
    changed[0, :, 8:16, 16:24] += 5  # patch 10
    moved = (first_inputs(model, changed, mask=mask)[0] != masked).any(-1)
    assert moved.nonzero().tolist() == [[0, model.num_extra_tokens + 10]]


@pytest.mark.parametrize("kwargs", [dict(), dict(mode="paper")])
def test_spectral_mask_hides_exactly_the_masked_groups(kwargs):
    model = build(7, **kwargs).eval()
    x = torch.randn(2, 7, 64, 64)
    mask = torch.zeros(2, 4, dtype=torch.bool)
    mask[0, 1] = mask[1, 3] = True
    plain = first_inputs(model, x)[1]
    masked = first_inputs(model, x, spectral_mask=mask)[1]
    groups = masked[:, model.num_extra_tokens :]
    assert torch.equal(groups[~mask], plain[:, model.num_extra_tokens :][~mask])
    wanted = (model.spectral_mask_token + model.spectral_pos_embed[:, 1:]).expand(2, -1, -1)
    assert torch.allclose(groups[mask], wanted[mask], atol=1e-6)
    changed = x.clone()
    changed[0, 2:4] += 5  # group 1
    changed[1, 6] += 5  # group 3, which the last band fills alone
    assert torch.equal(first_inputs(model, changed, spectral_mask=mask)[1], masked)
    changed[0, 4] += 5  # group 2
    moved = (first_inputs(model, changed, spectral_mask=mask)[1] != masked).any(-1)
    assert moved.nonzero().tolist() == [[0, model.num_extra_tokens + 2]]


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (dict(mask=torch.zeros(1, 63, dtype=torch.bool)), r"mask is torch.bool of shape \(1, 63\)"),
        (dict(spectral_mask=torch.zeros(1, 4)), r"spectral_mask is torch.float32 .* torch.bool of shape \(1, 4\)"),
    ],
)
def test_wrong_masks_are_named(masks, message):
    with pytest.raises(ConfigError, match=message):
        build().forward_tokens(torch.zeros(1, 8, 64, 64), **masks)


# The rest of the contract.


def test_a_checkpoint_does_not_bring_its_sensors_positions():
    here, there = (tuple(start + 10.0 * band for band in range(8)) for start in (400, 2000))
    model = build(wavelengths=here, img_size=32)
    codes = model.spectral_pos_embed.clone()
    model.load_state_dict(build(wavelengths=there, img_size=64).state_dict())
    assert torch.equal(model.spectral_pos_embed, codes)


def test_stochastic_depth_grows_to_the_last_layers():
    model = build(drop_path_rate=0.3)
    for layers in model.prunable_stages().values():
        assert [layer.attn.out_drop.drop_prob for layer in layers] == pytest.approx([0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(arch="huge"), "SpatialSpectralViT: arch='huge' is unknown"),
        (dict(mode="exact"), "mode='exact' is unknown, expected 'any'"),
        (dict(fusion="sum"), "fusion='sum' is unknown"),
        (dict(ffn_type="mlp"), "ffn_type='mlp' is unknown"),
        (dict(patch_size=0), "patch_size=0 given, expected at least 1"),
        (dict(spectral_grid=0), "spectral_grid=0 given, expected at least 1"),
        (dict(num_registers=-1), "num_registers=-1 given, expected at least 0"),
        (dict(spectral_patch_size=0), "spectral_patch_size=0 must lie in 1 to in_channels=4"),
        (dict(spectral_patch_size=5), "spectral_patch_size=5 must lie in 1 to in_channels=4"),
        (dict(out_indices=(4,)), r"out_indices=\(4,\) must lie in -4 to 3"),
        (dict(out_indices=()), r"out_indices=\(\) must lie in -4 to 3"),
        (dict(wavelengths=(400.0, 500.0)), "2 wavelengths for in_channels=4 bands"),
        (dict(wavelengths=(0.4, 0.5, 0.6, 0.7)), "in nm, at least 100, got 0.4; are they micrometres"),
        (dict(wavelengths=(400.0, math.nan, 600.0, 700.0)), "in nm, at least 100, got nan"),
        (dict(mode="paper", wavelengths=(400.0, 500.0, 600.0, 700.0)), "mode='paper' learns its spectral positions"),
        (dict(mode="paper", img_size=60), "patch_size=8 divides, got 60x60"),
        (dict(mode="paper", local_img_size=30), "patch_size=8 divides, got 30x30"),
        (dict(mode="paper", local_img_size=64), r"local_img_size=\(64, 64\) must be smaller than img_size=\(64, 64\)"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        SpatialSpectralViT(**{**dict(in_channels=4, arch="tiny"), **change})
