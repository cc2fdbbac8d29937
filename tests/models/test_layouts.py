"""Weights of public vision transformers: MAE's, timm's, DINOv2's and mmpretrain's layouts."""

import numpy as np
import pytest
import torch
from mmpretrain.models import VisionTransformer

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT, transfer_weights

SIZES = dict(embed_dims=48, num_layers=3, num_heads=4, feedforward_channels=96)
# As the public code of each writes them: names within a layer, and of what stands outside.
TIMM_LAYER = {
    "ln1": "norm1",
    "ln2": "norm2",
    "attn.qkv": "attn.qkv",
    "attn.proj": "attn.proj",
    "attn.gamma1.weight": "ls1.gamma",
    "ffn.gamma2.weight": "ls2.gamma",
    "ffn.layers.0.0": "mlp.fc1",
    "ffn.layers.1": "mlp.fc2",
    "ffn.w12": "mlp.w12",
    "ffn.w3": "mlp.w3",
}


def mmpretrain_vit(scale=0.0, ffn="origin", seed=0):
    """mmpretrain's own transformer with random weights everywhere, the reference of all features here."""
    torch.manual_seed(seed)
    model = VisionTransformer(
        arch=dict(SIZES),
        img_size=32,
        patch_size=8,
        out_type="raw",
        layer_scale_init_value=scale,
        layer_cfgs=dict(ffn_type=ffn),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2)
    model.eval()
    return model


def as_timm(state, chunk=None, packed=False):
    """The same weights under timm's names."""
    renamed = {}
    for key, value in state.items():
        if key.startswith("layers."):
            _, index, rest = key.split(".", 2)
            for ours, theirs in TIMM_LAYER.items():
                if rest == ours or rest.startswith(f"{ours}."):
                    rest = theirs + rest[len(ours) :]
                    break
            key = f"blocks.{index}.{rest}" if chunk is None else f"blocks.{int(index) // chunk}.{index}.{rest}"
            if packed:
                key = key.replace("mlp.w12", "mlp.fc1").replace("mlp.w3", "mlp.fc2")
        key = key.replace("patch_embed.projection", "patch_embed.proj")
        renamed["norm." + key[4:] if key.startswith("ln1.") else key] = value
    return renamed


def mae_file(state):
    decoder = {"decoder_pos_embed": torch.zeros(1, 17, 32), "decoder_blocks.0.norm1.weight": torch.ones(32)}
    return {"model": {**as_timm(state), "mask_token": torch.zeros(1, 1, 32), **decoder}}


def dinov2_file(state):
    return {"teacher": {f"backbone.{key}": value for key, value in as_timm(state, chunk=2).items()}}


LAYOUTS = {
    "MAE": (mae_file, {}),
    "MAE, encoder alone": (lambda state: {"model": as_timm(state)}, {}),
    "timm": (lambda state: {**as_timm(state), "head.weight": torch.zeros(10, 48), "head.bias": torch.zeros(10)}, {}),
    "timm, SwiGLU": (lambda state: as_timm(state, packed=True), dict(scale=0.1, ffn="swiglu_fused")),
    "DINOv2": (lambda state: as_timm(state), dict(scale=0.1)),
    "DINOv2, SwiGLU": (lambda state: as_timm(state), dict(scale=0.1, ffn="swiglu_fused")),
    "DINOv2, training": (dinov2_file, dict(scale=0.1)),
    "mmpretrain": (lambda state: {"state_dict": {f"backbone.{k}": v for k, v in state.items()}}, {}),
    "mmpretrain, encoder alone": (dict, dict(scale=0.1)),
}


def hsi_vit(scale=0.0, ffn="origin", bands=3, **kwargs):
    return HSIViT(
        bands,
        arch=dict(SIZES),
        img_size=32,
        patch_size=8,
        pos_embed="learned",
        ffn_type=ffn,
        layer_scale_init_value=scale,
        **kwargs,
    ).eval()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_features_are_those_of_mmpretrain(layout, tmp_path):
    write, options = LAYOUTS[layout]
    reference, path = mmpretrain_vit(**options), tmp_path / "public.pth"
    torch.save(write(reference.state_dict()), path)
    model = hsi_vit(**options)
    prefix = "backbone." if layout in ("DINOv2, training", "mmpretrain") else ""
    report = transfer_weights(model, path, prefix)
    assert set(report.new) == {"pos_grid", "layers.pruned"}
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = reference(images)[0]  # (B, 1 + N, d)
        found = model.forward_tokens(images)
    assert torch.allclose(found.sequence(), expected, atol=1e-4)


def test_registers_and_mask_token_of_dinov2(tmp_path):
    state = as_timm(mmpretrain_vit(scale=0.1).state_dict())
    state |= {"register_tokens": torch.randn(1, 4, 48), "mask_token": torch.randn(1, 48)}
    torch.save(state, tmp_path / "public.pth")
    model = hsi_vit(scale=0.1, num_registers=4, with_mask_token=True)
    transfer_weights(model, tmp_path / "public.pth")
    assert torch.equal(model.registers, state["register_tokens"])
    assert torch.equal(model.mask_token[0], state["mask_token"])


def test_registers_of_timm_leave_cls_without_a_position(tmp_path):
    state = as_timm(mmpretrain_vit(scale=0.1).state_dict())
    state |= {"reg_token": torch.randn(1, 4, 48), "pos_embed": torch.randn(1, 16, 48)}
    torch.save(state, tmp_path / "public.pth")
    model = hsi_vit(scale=0.1, num_registers=4)
    transfer_weights(model, tmp_path / "public.pth")
    assert torch.equal(model.pos_embed[:, 1:], state["pos_embed"])
    assert not model.pos_embed[:, 0].any()


def test_rgb_weights_reach_many_bands_with_the_response_to_grey_unchanged(tmp_path):
    reference, path = mmpretrain_vit(), tmp_path / "public.pth"
    torch.save({"model": as_timm(reference.state_dict())}, path)
    model = hsi_vit(bands=32)
    options = dict(wavelengths=np.linspace(466, 940, 32).tolist(), source_wavelengths=(640, 550, 460))
    transfer_weights(model, path, input_layer="interpolate", **options)
    grey = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        found = model.forward_tokens(grey.expand(-1, 32, -1, -1)).sequence()
        assert torch.allclose(found, reference(grey.expand(-1, 3, -1, -1))[0], atol=1e-3)


@pytest.mark.parametrize("lost", ["layers.1.", "ln1."])
def test_a_layer_that_finds_nothing_is_an_error(lost, tmp_path):
    state = {key: value for key, value in mmpretrain_vit().state_dict().items() if not key.startswith(lost)}
    torch.save(state, tmp_path / "public.pth")
    with pytest.raises(ConfigError, match=f"nothing for 1 of 4 layers of HSIViT \\({lost[:-1].replace('ln1', 'norm')}"):
        transfer_weights(hsi_vit(), tmp_path / "public.pth")


def test_names_of_nobody_are_an_error(tmp_path):
    state = {key.replace("layers.", "stages."): value for key, value in mmpretrain_vit().state_dict().items()}
    torch.save(state, tmp_path / "public.pth")
    with pytest.raises(ConfigError, match="nothing for 3 of 4 layers"):
        transfer_weights(hsi_vit(), tmp_path / "public.pth")
