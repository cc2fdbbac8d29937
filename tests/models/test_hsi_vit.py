"""HSIViT."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_base_encoder_has_the_dissertations_parameters():
    assert count(HSIViT(in_channels=32, arch="base", img_size=64, patch_size=8)) == 86_680_320


@pytest.mark.parametrize("bands", [4, 32, 103, 204, 369, 430])
@pytest.mark.parametrize("size", [(16, 16), (12, 20), (9, 15)])
def test_any_bands_and_any_size(bands, size):
    torch.manual_seed(0)
    model = HSIViT(in_channels=bands, arch="tiny", img_size=16, patch_size=4, out_indices=(0, -1))
    model.init_weights()
    maps = model(torch.randn(2, bands, *size))
    grid = (-(-size[0] // 4), -(-size[1] // 4))
    assert [tuple(m.shape) for m in maps] == [(2, 128, *grid)] * 2
    sum(m.square().mean() for m in maps).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is None if name == "pos_embed" else parameter.grad.isfinite().all(), name


def test_visible_tokens_alone_reach_the_layers():
    torch.manual_seed(0)
    model = HSIViT(in_channels=6, arch="tiny", img_size=16, patch_size=4).eval()
    model.init_weights()
    seen = []
    model.layers[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    x = torch.randn(1, 6, 16, 16)
    visible = torch.tensor([[1, 6, 11]])
    latent, grid = model.forward_visible(x, visible)
    assert seen == [(1, 1 + 3, 128)]
    assert grid == (4, 4)
    changed = x.clone()
    changed[:, :, :4, :4] += 5  # patch 0 is hidden
    assert torch.equal(latent, model.forward_visible(changed, visible)[0])
    changed[:, :, :4, 4:8] += 5  # patch 1 is visible
    assert not torch.allclose(latent, model.forward_visible(changed, visible)[0])


def test_all_tokens_visible_equals_the_plain_forward():
    torch.manual_seed(0)
    model = HSIViT(in_channels=6, arch="tiny", img_size=16, patch_size=4).eval()
    model.init_weights()
    x = torch.randn(2, 6, 16, 16)
    latent, _ = model.forward_visible(x, torch.arange(16).expand(2, -1))
    assert torch.allclose(model(x)[0].flatten(2).transpose(1, 2), latent[:, 1:], atol=1e-5)


def test_state_dict_round_trip():
    first, second = (HSIViT(in_channels=6, arch="tiny", img_size=16, patch_size=4).eval() for _ in range(2))
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 6, 16, 16)
    assert torch.equal(first(x)[0], second(x)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(arch="huge"), "arch='huge' is unknown"),
        (dict(arch=dict(embed_dims=64)), "arch lacks feedforward_channels, num_heads, num_layers"),
        (
            dict(arch=dict(embed_dims=66, num_heads=4, num_layers=1, feedforward_channels=8)),
            "embed_dims=66 must divide by num_heads=4",
        ),
        (dict(out_indices=(4,)), r"out_indices=\(4,\) must lie in -4 to 3"),
        (dict(pos_embed="fourier"), "pos_embed='fourier' is unknown"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        HSIViT(**{**dict(in_channels=4, arch="tiny"), **change})


def test_other_band_count_is_named():
    with pytest.raises(ConfigError, match="input has 5 bands, the model expects in_channels=4"):
        HSIViT(in_channels=4, arch="tiny")(torch.zeros(1, 5, 16, 16))
