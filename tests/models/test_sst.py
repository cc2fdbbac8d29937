"""SST: tokens, positions, factorised attention."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.sst import SST
from mmhsi.models.layers.blockwise_embed import BlockwiseEmbed
from mmhsi.models.layers.spatial_spectral_position import SpatialSpectralPosition, interleaved_sinusoid, split_channels
from mmhsi.models.layers.transformer_layer import TransformerLayer, WideHeadAttention

SMALL = dict(embed_dims=24, spatial_layers=2, spectral_layers=2, num_heads=2, head_dims=8, feedforward_channels=32)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def sst(bands=8, **options):
    torch.manual_seed(0)
    options = {**dict(arch=SMALL, patch_size=4, bands_per_block=2), **options}
    return SST(in_channels=bands, **options).eval()


def test_a_base_layer_has_the_papers_parameters():
    model = SST(in_channels=116, arch="base")
    layers = [*model.spatial_layers, *model.spectral_layers]
    assert [count(layer) for layer in layers] == [68_064] * 8
    norms, qkv, out, mlp = 4 * 48, 48 * 3 * 256, 256 * 48 + 48, 48 * 192 + 192 + 192 * 48 + 48
    assert norms + qkv + out + mlp == 68_064


def test_base_total_for_116_bands():
    embed = 29 * (8 * 8 * 4 * 48 + 48) + 2 * 8 * 8 * 4 + 2 * 48  # 29 linear maps, a norm before and one after
    assert count(SST(in_channels=116, arch="base")) == embed + 8 * 68_064 + 2 * 48 == 902_960


def test_large_sizes():
    model = SST(in_channels=116, arch="large")
    assert len(model.spatial_layers) == len(model.spectral_layers) == 6
    layer = 4 * 84 + 84 * 3 * 384 + 384 * 84 + 84 + 84 * 336 + 336 + 336 * 84 + 84
    assert count(model.spatial_layers[0]) == layer


def test_c2seg_has_7424_tokens():
    model = SST(in_channels=116, arch="base")
    tokens = model.embed(torch.zeros(1, 116, 128, 128))
    assert tokens.grid == (16, 16)
    assert tokens.patches.shape == (1, 7424, 48)
    assert model.by_block(tokens.patches, tokens.grid).shape == (1, 29, 256, 48)


def test_blockwise_embedding_equals_a_loop():
    torch.manual_seed(0)
    embed = BlockwiseEmbed(in_channels=6, embed_dims=5, patch_size=2, bands_per_block=3)
    for parameter in embed.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, 6, 4, 6)
    tokens, grid = embed(x)
    assert grid == (2, 3)
    for sample in range(2):
        for block in range(2):
            for row in range(2):
                for column in range(3):
                    bands, rows, columns = (slice(n * i, n * i + n) for n, i in ((3, block), (2, row), (2, column)))
                    patch = x[sample, bands, rows, columns].flatten()
                    token = embed.norm_before(patch) @ embed.weight[block] + embed.bias[block, 0]
                    token = embed.norm_after(token)
                    assert torch.allclose(tokens[sample, block, row * 3 + column], token, atol=1e-5)


def equation_1(position, channels):
    values = []
    for i in range(channels // 2):
        angle = position / 10000 ** (2 * i / channels)
        values += [math.sin(angle), math.cos(angle)]
    return values


@pytest.mark.parametrize("position", [0, 1, 28, 2412.7])
def test_sinusoids_equal_equation_1(position):
    ours = interleaved_sinusoid(torch.tensor([position], dtype=torch.float64), 16)[0]
    assert ours.tolist() == pytest.approx(equation_1(position, 16), abs=1e-6)


@pytest.mark.parametrize(("width", "spatial", "spectral"), [(48, 32, 16), (84, 56, 28), (128, 84, 44), (8, 4, 4)])
def test_positions_are_concatenated(width, spatial, spectral):
    assert split_channels(width, "SST") == (spatial, spectral)
    coordinates = [450.0, 612.5]
    table = SpatialSpectralPosition(width, coordinates)((2, 3))
    for block in range(2):
        for row in range(2):
            for column in range(3):
                expected = equation_1(row, spatial // 2) + equation_1(column, spatial // 2)
                expected += equation_1(coordinates[block], spectral)
                assert table[block, row * 3 + column].tolist() == pytest.approx(expected, abs=1e-6)


def test_wavelengths_are_averaged_over_blocks():
    model = sst(bands=5, wavelengths=[400, 410, 420, 430, 500])
    assert model.position.spectral_positions.tolist() == [405, 425, 500]
    assert sst(bands=5).position.spectral_positions.tolist() == [0, 1, 2]


def test_bands_are_padded_by_the_last():
    model = sst(bands=5)
    x = torch.randn(1, 5, 8, 8)
    whole = sst(bands=6)
    assert torch.equal(model(x)[0], whole(torch.cat([x, x[:, -1:]], dim=1))[0])


def test_sides_are_padded_by_the_last_row_and_column():
    model = sst()
    x = torch.randn(1, 8, 7, 10)
    assert torch.equal(model(x)[0], model(F.pad(x, (0, 2, 0, 1), mode="replicate"))[0])


def slow_attention(attention, x, mask):
    """Multi-head attention with a mask of who sees whom, written out."""
    heads, (_, n, _) = attention.num_heads, x.shape
    query, key, value = (x @ weight.T for weight in attention.qkv.weight.chunk(3))
    out = torch.zeros_like(query)
    width = query.shape[-1] // heads
    for head in range(heads):
        part = slice(head * width, head * width + width)
        scores = query[..., part] @ key[..., part].transpose(1, 2) / math.sqrt(width)
        assert scores.shape[1:] == (n, n)
        out[..., part] = scores.masked_fill(~mask, -math.inf).softmax(-1) @ value[..., part]
    return out @ attention.projection.weight.T + attention.projection.bias


def slow_layer(layer, x, mask):
    x = x + slow_attention(layer.attention, layer.norm1(x), mask)
    first, _, _, second, _ = layer.mlp
    return x + second(F.gelu(first(layer.norm2(x))))


def test_factorised_attention_is_joint_attention_under_block_masks():
    model = sst()
    tokens = model.embed(torch.randn(2, 8, 8, 12))
    groups, places = 4, 6
    block = torch.arange(groups).repeat_interleave(places)
    place = torch.arange(places).repeat(groups)
    joint = tokens.patches
    expected = []
    for layer in model.spatial_layers:
        joint = slow_layer(layer, joint, block[:, None] == block)
        expected.append(joint)
    for layer in model.spectral_layers:
        joint = slow_layer(layer, joint, place[:, None] == place)
        expected.append(joint)
    expected[-1] = model.norm(expected[-1])
    for ours, reference in zip(model.encode(tokens, range(4)), expected, strict=True):
        assert torch.allclose(ours.patches, reference, atol=1e-5)


def test_padded_keys_equal_dropped_tokens():
    torch.manual_seed(0)
    layer = TransformerLayer(embed_dims=24, num_heads=2, head_dims=8, feedforward_channels=32)
    x = torch.randn(2, 5, 24)
    mask = torch.tensor([[False, True, False, True, False], [False, False, False, False, True]])
    out = layer(x, mask)
    for row in range(2):
        alone = layer(x[row : row + 1, ~mask[row]])
        assert torch.allclose(out[row, ~mask[row]], alone[0], atol=1e-6)


def test_a_row_of_padding_stays_finite():
    torch.manual_seed(0)
    attention = WideHeadAttention(embed_dims=24, num_heads=2, head_dims=8)
    x = torch.randn(2, 3, 24, requires_grad=True)
    out = attention(x, torch.tensor([[True] * 3, [False, True, False]]))
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad.isfinite().all()


def test_maps_pool_the_spectral_blocks():
    x = torch.randn(2, 8, 8, 12)
    mean, concat = sst(spectral_pool="mean"), sst(spectral_pool="concat")
    patches, grid = mean.forward_tokens(x)[1:3]
    tokens = mean.by_block(patches, grid)
    (mean_map,), (concat_map,) = mean(x), concat(x)
    assert mean_map.shape == (2, mean.out_channels, *grid) == (2, 24, 2, 3)
    assert concat_map.shape == (2, concat.out_channels, *grid) == (2, 4 * 24, 2, 3)
    assert torch.allclose(mean_map[1, :, 1, 2], tokens[1, :, 1 * 3 + 2].mean(0), atol=1e-6)
    assert torch.allclose(concat_map[1, 24:48, 1, 2], tokens[1, 1, 1 * 3 + 2], atol=1e-6)


def test_the_last_map_is_normalised():
    tokens = sst().forward_tokens(torch.randn(1, 8, 8, 8)).patches
    assert tokens.mean(-1).abs().max() < 1e-5
    assert torch.allclose(tokens.var(-1, unbiased=False), torch.ones(1, 16), atol=1e-3)


def test_blocks_are_carried_over_along_wavelength():
    model = sst(bands=4)  # two blocks
    weight = torch.tensor([1.0, 3.0, 5.0]).view(3, 1, 1)  # at 405, 425 and 445 nm
    source, target = [400, 410, 420, 430, 440, 450], [409, 411, 440, 460]  # at 410 and 450 nm
    resampled = model.resample_bands("patch_embed.weight", weight, source, target)
    assert resampled.flatten().tolist() == pytest.approx([1.5, 5.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            dict(in_channels=116, bands_per_block=5, band_padding="refuse"),
            "SST: 116 bands do not divide into blocks of 5",
        ),
        (dict(band_padding="zero"), "band_padding='zero' is unknown"),
        (dict(patch_size=0), "patch_size=0 given, expected at least 1"),
        (dict(arch="huge"), "arch='huge' is unknown"),
        (dict(arch=dict(SMALL, depth=3)), "arch has unknown depth"),
        (dict(arch={"embed_dims": 24, "num_heads": 2, "head_dims": 8}), "arch lacks feedforward_channels, sp"),
        (dict(arch=dict(SMALL, spectral_layers=0)), "has a size below 1"),
        (dict(arch=dict(SMALL, embed_dims=25)), "embed_dims=25 does not hold spatial and spectral sinusoids"),
        (dict(out_indices=(4,)), r"out_indices=\(4,\) must lie in -4 to 3"),
        (dict(spectral_pool="max"), "spectral_pool='max' is unknown"),
        (dict(wavelengths=[400.0]), "1 wavelengths for in_channels=8"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        SST(**{**dict(in_channels=8, arch=SMALL), **change})
