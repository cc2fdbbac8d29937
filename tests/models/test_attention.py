"""Attention of CLS against the layer's own arithmetic, written out."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.attention import cls_attention
from mmhsi.registry import MODELS

ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)


def build(kind, **arguments):
    model = MODELS.build(dict(type=kind, in_channels=6, arch=ARCH, img_size=8, patch_size=2, **arguments))
    return model.eval()


def test_attention_is_the_softmax_of_the_cls_row():
    model = build("HSIViT", num_registers=3)
    x = torch.randn(2, 6, 8, 12)
    seen = []
    model.layers[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    model(x)
    (hidden,), layer = seen, model.layers[1]
    qkv = layer.attn.qkv(layer.ln1(hidden))
    found = cls_attention(model, x)["spatial"]
    assert found.shape == (2, 2, 4, 6)
    for head in range(2):
        query, key = (qkv[:, :, 16 * part + 8 * head : 16 * part + 8 * head + 8] for part in (0, 1))
        for b in range(2):
            scores = torch.stack([(query[b, 0] * key[b, n]).sum() / 8**0.5 for n in range(28)])
            expected = (scores.exp() / scores.exp().sum())[4:].view(4, 6)
            torch.testing.assert_close(found[b, head], expected, rtol=1e-4, atol=1e-6)


def test_two_streams():
    model = build("SpatialSpectralViT")
    maps = cls_attention(model, torch.randn(1, 6, 8, 8))
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "spatial": (1, 2, 4, 4),
        "spectral": (1, 2, 3),
    }
    assert maps["spectral"].sum() < 2  # CLS and registers have a share of each head's 1


def test_a_backbone_without_cls():
    model = MODELS.build(dict(type="SST", in_channels=8, arch="tiny", patch_size=2))
    with pytest.raises(ConfigError, match="SST is no AttentiveBackbone, it lacks last_attention, num_extra_tokens"):
        cls_attention(model, torch.randn(1, 8, 8, 8))
