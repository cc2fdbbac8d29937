"""DINOv3: rotary positions; the layouts of its own repository and of transformers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from mmhsi.errors import ConfigError

from ...layers.rotary import rotary_periods
from .base import RGB, Family, PublicWeights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

HEAD = 64
"""Width of a head of all published ones but the largest, which is refused; files of transformers do not tell it."""
SIZES = {
    "s": ("vits16", 384, 12, 1536, "origin", "lvd1689m-08c60483"),
    "s-plus": ("vits16plus", 384, 12, 2304, "swiglu_fused", "lvd1689m-4057cbaa"),
    "b": ("vitb16", 768, 12, 3072, "origin", "lvd1689m-73cec8be"),
    "l": ("vitl16", 1024, 24, 4096, "origin", "lvd1689m-8aa4cbdd"),
    "l-sat": ("vitl16", 1024, 24, 4096, "origin", "sat493m-eadcf0ff"),
    "h-plus": ("vith16plus", 1280, 32, 7680, "swiglu_fused", "lvd1689m-7c1da9a5"),
}
"""Name there, width, layers, hidden units before SwiGLU's two thirds, kind of MLP, and how the file's name ends."""
TRANSFORMERS = {
    r"embeddings\.patch_embeddings\.": "patch_embed.proj.",
    r"embeddings\.register_tokens": "storage_tokens",
    r"embeddings\.": "",
    r"(?:model\.)?layer\.(\d+)\.attention\.o_proj\.": r"blocks.\1.attn.proj.",
    r"(?:model\.)?layer\.(\d+)\.layer_scale(\d)\.lambda1": r"blocks.\1.ls\2.gamma",
    r"(?:model\.)?layer\.(\d+)\.attention\.": r"blocks.\1.attn.",
    r"(?:model\.)?layer\.(\d+)\.": r"blocks.\1.",
}
"""Pattern of the beginning of a name of transformers', and what DINOv3's repository has in its place."""
MLP = {"up_proj": "fc1", "down_proj": "fc2"}
GATED = {"gate_proj": "w1", "up_proj": "w2", "down_proj": "w3"}


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights of transformers' ``DINOv3ViTModel`` the names of DINOv3's repository; others stay as they are.

    Args:
        state: A state dict.

    Raises:
        ConfigError: If a layer lacks a map of its attention.
    """
    if "embeddings.patch_embeddings.weight" not in state:
        return dict(state)
    gated = any(".mlp.gate_proj." in key for key in state)
    found: dict[str, Tensor] = {"rope_embed.periods": rotary_periods(HEAD)}
    for key, value in state.items():
        pattern = next((each for each in TRANSFORMERS if re.match(each, key)), "")
        name = re.sub(rf"^{pattern}", TRANSFORMERS.get(pattern, ""), key)
        for old, new in (GATED if gated else MLP).items():
            name = name.replace(f".mlp.{old}.", f".mlp.{new}.")
        found[name] = value
    for layer in [key.removesuffix("q_proj.weight") for key in found if key.endswith("attn.q_proj.weight")]:
        weights, biases = (
            [found.pop(f"{layer}{part}_proj.{kind}", None) for part in "qkv"] for kind in ("weight", "bias")
        )
        maps = [weight for weight in weights if weight is not None]
        if len(maps) < 3:
            raise ConfigError(f"weights of DINOv3: {layer}… lacks queries, keys or values; is the file complete?")
        found[f"{layer}qkv.weight"] = torch.cat(maps)
        if any(bias is not None for bias in biases):  # keys have none
            none = torch.zeros_like(maps[0][:, 0])
            found[f"{layer}qkv.bias"] = torch.cat([none if bias is None else bias for bias in biases])
    return found


def simplify(state: dict[str, Tensor]) -> None:
    """Multiply biases by their masks, and join the two maps of SwiGLU.

    Args:
        state: Weights under timm's names, changed in place.

    Raises:
        ConfigError: If they are of the largest one, which has norms and attention of its own.
    """
    if any(key.startswith("cls_norm.") for key in state) or "blocks.0.attn.qkv.bias" not in state:
        raise ConfigError(
            "weights of DINOv3 with a norm of its own for CLS, or without biases in attention, as its ViT-7B: HSIViT "
            "has no such layer; S, B, L and H+ are read"
        )
    for key in [key for key in state if key.endswith(".bias_mask")]:
        bias = key.removesuffix("_mask")
        mask = state.pop(key)
        state[bias] = torch.where(mask == 0, torch.zeros_like(state[bias]), state[bias])
    for key in [key for key in state if re.search(r"\.mlp\.w1\.(weight|bias)$", key)]:
        second = key.replace(".w1.", ".w2.")
        if second in state:
            state[key.replace(".w1.", ".w12.")] = torch.cat([state.pop(key), state.pop(second)])


def _weights(size: str) -> PublicWeights:
    model, width, depth, hidden, ffn, ending = SIZES[size]
    data = ending.partition("-")[0]
    sat = data.startswith("sat")
    return PublicWeights(
        name=f"dinov3-vit-{size}",
        family="DINOv3",
        backbone=dict(
            type="HSIViT",
            arch=dict(embed_dims=width, num_layers=depth, num_heads=width // HEAD, feedforward_channels=hidden),
            img_size=224,
            patch_size=16,
            pos_embed="rotary",
            num_registers=4,
            ffn_type=ffn,
            layer_scale_init_value=1e-5,
            with_mask_token=True,
        ),
        citation="O. Siméoni et al., DINOv3, arXiv:2508.10104, 2025",
        license="DINOv3 License, to be accepted first",
        homepage="https://github.com/facebookresearch/dinov3",
        url=f"https://dl.fbaipublicfiles.com/dinov3/dinov3_{model}/dinov3_{model}_pretrain_{ending}.pth",
        hub=(f"facebook/dinov3-{model}-pretrain-{data}", "model.safetensors", "main"),
        wavelengths=RGB,
        normalisation="red, green, blue from 0 to 1, less (0.430, 0.411, 0.296), divided by (0.213, 0.156, 0.143)"
        if sat
        else "red, green, blue from 0 to 1, less (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225)",
        caveat=f"On {'493 million satellite' if sat else '1.7 billion web'} images. Access is granted by the publisher "
        "on request; the address holds the beginning of the file's checksum, that of the hub's file is not known.",
    )


DINOV3 = Family(
    name="DINOv3",
    marks="rope_embed.periods",
    rules={
        r"rope_embed\.periods": "rotary.periods",
        r"storage_tokens": "registers",
        r"local_cls_norm\.": None,  # of small crops in training alone
    },
    complete=simplify,
    weights=tuple(_weights(size) for size in SIZES),
)
