"""IMAEViT: spectral embedding, conditional positions, pixel tokens of any window."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmhsi.errors import ConfigError
from mmhsi.models import transfer_weights
from mmhsi.models.backbones.imae_vit import ConditionalPosition, IMAEViT, SpectralEmbed


def vit(bands=12, **kwargs):
    torch.manual_seed(0)
    return IMAEViT(bands, **{"arch": "tiny", **kwargs}).eval()


@pytest.mark.parametrize(("m", "c", "s"), [(64, 8, 4), (64, 64, 7), (20, 5, 3), (21, 5, 3), (22, 5, 3), (7, 1, 10)])
def test_the_spectral_embedding_is_three_convolutions(m, c, s):
    embed = SpectralEmbed(10, 16, m, c, s, filters=3).double()
    x = torch.randn(2, 10, 4, 5, dtype=torch.float64)
    first, second, third = embed.input_layer, embed.sliding_layer, embed.output_layer
    z = F.gelu(F.conv2d(x, first.weight[..., None, None], first.bias))[:, None]  # (B, 1, m, H, W)
    steps = math.ceil((m - c) / s) + 1  # eq. 3
    z = torch.cat([z, z.new_zeros(2, 1, 2 * s, 4, 5)], dim=2)  # room beyond the last of the m channels
    z = F.gelu(F.conv3d(z, second.weight[:, None, :, None, None], second.bias, stride=(s, 1, 1)))[:, :, :steps]
    assert embed.steps == steps
    third_weight = third.weight.unflatten(1, (steps, 3)).transpose(1, 2).flatten(1)  # to filters before steps
    expected = F.conv2d(z.flatten(1, 2), third_weight[..., None, None], third.bias)
    assert torch.allclose(embed(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), expected)


def test_positions_come_from_each_channels_neighbours():
    position = ConditionalPosition(4)
    x = torch.randn(1, 4, 5, 6)
    padded = torch.zeros(4, 7, 8)
    padded[:, 1:-1, 1:-1] = x[0]
    made = position(x)[0]
    for channel in range(4):
        for row in range(5):
            for column in range(6):
                area = padded[channel, row : row + 3, column : column + 3]
                expected = (area * position.weight[channel, 0]).sum() + position.bias[channel]
                assert made[channel, row, column].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("mark_center", [True, False])
def test_tokens_are_embedding_plus_position(mark_center):
    model = vit(mark_center=mark_center)
    x = torch.randn(2, 12, 6, 7)
    maps = model.spectral_embed(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).clone()
    if mark_center:
        maps[:, :, 3, 3] += model.centre_mark[0, :, 0, 0]
    tokens = model.embed(x)
    assert tokens.grid == (6, 7)
    assert torch.allclose(tokens.patches, (maps + model.position(maps)).flatten(2).transpose(1, 2), atol=1e-6)


def test_without_a_mark_nothing_tells_the_centre():
    """Far from the borders the paper's architecture gives every pixel of a uniform window the same token."""
    x = torch.randn(1, 12, 1, 1).expand(-1, -1, 11, 11)
    for mark_center in (False, True):
        tokens = vit(mark_center=mark_center).forward_tokens(x).patches.unflatten(1, (11, 11))
        assert torch.allclose(tokens[0, 5, 5], tokens[0, 3, 4], atol=1e-5) != mark_center


def test_paper_sizes():
    model = vit(100, arch="paper")
    assert (model.embed_dims, len(model.layers)) == (256, 4)
    assert model.layers[0].attn.num_heads == 8


def test_maps_and_tokens_are_the_same():
    model = vit(with_ins_token=True)
    x = torch.randn(2, 12, 5, 7)
    ins, maps = model(x)
    tokens = model.forward_tokens(x)
    assert torch.equal(ins, tokens.cls)
    assert torch.equal(maps, tokens.patches.transpose(1, 2).unflatten(2, tokens.grid))
    everything = torch.arange(35).expand(2, -1)
    latent = model.forward_visible(x, everything).sequence()
    assert torch.allclose(latent, torch.cat([tokens.cls[:, None], tokens.patches], dim=1), atol=1e-5)


def test_swapping_the_input_layer_loads_everything_else(tmp_path):
    source, target = vit(20), vit(33)
    for parameter in source.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    own = target.spectral_embed.input_layer.weight.clone()
    state = {f"backbone.{key}": value for key, value in source.state_dict().items()}
    torch.save(dict(state_dict={**state, "decoder.mask_token": torch.zeros(1)}), tmp_path / "imae.pth")
    with pytest.raises(ConfigError, match="input_layer='reinit'"):
        transfer_weights(target, tmp_path / "imae.pth", "backbone.")
    report = transfer_weights(target, tmp_path / "imae.pth", "backbone.", input_layer="reinit")
    assert report.new == ["spectral_embed.input_layer.weight"]
    assert not report.adapted
    assert not report.unused
    assert len(report.loaded) == len(source.state_dict()) - 1
    assert torch.equal(target.spectral_embed.input_layer.weight, own)
    loaded = target.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in source.state_dict().items() if key in report.loaded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(arch="small"), "expected one of tiny, paper"),
        (dict(out_indices=(4,)), "must lie in -4 to 3"),
        (dict(spectral_kernel=65), "kernel_size <= channels"),
        (dict(spectral_stride=0), "expected positive sizes"),
        (dict(position_kernel=4), "expected an odd positive number"),
    ],
)
def test_what_cannot_work_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        vit(**change)
