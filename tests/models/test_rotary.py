"""Rotary positions: their arithmetic by complex numbers, hidden patches, other positions, files that do not fit."""

import cmath
import math

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT, transfer_weights
from mmhsi.models.attention import cls_attention
from mmhsi.models.layers.rotary import RotaryPositions, rotate
from tests.models.test_public_encoders import MODELS, public_state

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)


def backbone(**options):
    torch.manual_seed(0)
    sizes = dict(in_channels=3, arch=ARCH, img_size=8, patch_size=2, pos_embed="rotary", num_registers=2)
    return HSIViT(**sizes | options).eval()


def test_channels_are_turned_as_complex_numbers():
    """Channel i and the one half a head later are a number; it is turned by 2π coordinate / period."""
    positions, x = RotaryPositions(16), torch.randn(1, 1, 2 + 3 * 5, 16)
    found = rotate(x, positions((3, 5)))
    assert torch.equal(found[:, :, :2], x[:, :, :2])
    for place in range(15):
        row, column = (place // 5 + 0.5) / 3 * 2 - 1, (place % 5 + 0.5) / 5 * 2 - 1
        for channel in range(8):
            coordinate = (row, column)[channel // 4]
            angle = 2 * math.pi * coordinate / 100 ** (channel % 4 / 4)
            token = x[0, 0, 2 + place]
            expected = complex(token[channel], token[channel + 8]) * cmath.exp(1j * angle)
            turned = found[0, 0, 2 + place]
            assert abs(complex(turned[channel], turned[channel + 8]) - expected) < 1e-4


def test_positions_count_and_their_grid_does_not():
    model, x = backbone(), torch.randn(1, 3, 8, 8)
    mirrored = model(x.flip(3))[0].flip(3)
    assert not torch.allclose(mirrored, model(x)[0], atol=1e-3)
    torch.testing.assert_close(backbone(img_size=32)(x)[0], model(x)[0])
    assert not [key for key in model.state_dict() if key.startswith("pos_")]
    assert model(torch.randn(1, 3, 6, 10))[0].shape == (1, 32, 3, 5)


def test_visible_patches_keep_their_places():
    model, x = backbone(), torch.randn(2, 3, 8, 8)
    order = torch.stack([torch.randperm(16), torch.randperm(16)])
    found = model.forward_visible(x, order)
    expected = model.forward_tokens(x)
    torch.testing.assert_close(found.cls, expected.cls)
    for sample in range(2):
        torch.testing.assert_close(found.patches[sample], expected.patches[sample, order[sample]])


def test_attention_of_cls_is_that_of_the_turned_keys():
    model, x = backbone(), torch.randn(1, 3, 8, 8)
    seen = []
    model.layers[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    model(x)
    layer = model.layers[1]
    qkv = layer.attn.qkv(layer.ln1(seen[0])).unflatten(2, (3, 2, 16))
    query, key = (rotate(qkv[:, :, part].transpose(1, 2), model.rotary((4, 4))) for part in (0, 1))
    expected = (query[:, :, :1] @ key.transpose(2, 3) / 4).softmax(-1)[:, :, 0, 3:].unflatten(2, (4, 4))
    torch.testing.assert_close(cls_attention(model, x)["spatial"], expected)


def test_a_masked_autoencoder_trains_on_it():
    from mmhsi.registry import MODELS as REGISTRY

    with_rotary = dict(type="HSIViT", in_channels=3, arch=ARCH, img_size=8, patch_size=2, pos_embed="rotary")
    mae = REGISTRY.build(
        dict(
            type="MAE",
            backbone=with_rotary,
            decoder=dict(type="MAEDecoder", decoder_embed_dims=16, depth=1, num_heads=2),
            data_preprocessor=dict(type="TilePreprocessor", num_bands=3),
        )
    )
    mae.loss(torch.randn(2, 3, 8, 8))["loss"].backward()
    assert mae.backbone.layers[0].attn.qkv.weight.grad.abs().sum() > 0


def test_positions_of_another_kind_are_refused(tmp_path):
    options = MODELS["DINOv3"][0]
    torch.save(public_state("DINOv3"), tmp_path / "dinov3.pth")
    with pytest.raises(ConfigError, match=r"is of rotary positions .* the model has a table of positions"):
        transfer_weights(HSIViT(**{**options, "pos_embed": "learned"}), tmp_path / "dinov3.pth")
    torch.save(HSIViT(**{**options, "pos_embed": "learned"}).state_dict(), tmp_path / "table.pth")
    with pytest.raises(ConfigError, match=r"is of a table of positions .* the model has rotary positions"):
        transfer_weights(HSIViT(**options), tmp_path / "table.pth")
    with pytest.raises(ConfigError, match="heads of width 18, expected a multiple of 4"):
        backbone(arch={**ARCH, "embed_dims": 36})


@pytest.mark.parametrize(
    ("layout", "lost", "added", "said"),
    [
        ("DINOv3", (), {"cls_norm.weight": torch.ones(128)}, "norm of its own for CLS"),
        ("DINOv3", ("qkv.bias", "bias_mask"), {}, "without biases in attention, as its ViT-7B"),
        ("DINOv3 of transformers", ("q_proj.bias", "v_proj.bias"), {}, "without biases in attention"),
        ("DINOv3 of transformers", ("1.attention.k_proj.weight",), {}, "blocks.1.attn.… lacks queries, keys or values"),
        ("DINOv3", ("periods",), {}, "weights without positions"),
    ],
)
def test_files_that_are_no_such_encoder_are_refused(layout, lost, added, said, tmp_path):
    state = {key: value for key, value in public_state(layout).items() if not (lost and key.endswith(lost))}
    torch.save({**state, **added}, tmp_path / "public.pth")
    with pytest.raises(ConfigError, match=said):
        transfer_weights(HSIViT(**MODELS["DINOv3"][0]), tmp_path / "public.pth")
