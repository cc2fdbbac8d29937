"""Weights of vision transformers from elsewhere, under the names of :class:`mmhsi.models.HSIViT`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.errors import ConfigError

from .families.catalogue import family_of
from .families.dinov3 import from_transformers

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTAINERS = ("model", "teacher", "model_state_dict")
"""Entries that hold the weights in the files of MAE, of DINOv2's training and of MaskedSST, where mmengine has
``state_dict``."""

LAYER = re.compile(r"((?:spatial|spectral)\.)?blocks\.(?:\d+\.)?(\d+)\.(.+)")
"""DINOv2 may store chunks of layers, numbered throughout; HyperSIGMA has two branches."""
IN_LAYER = {
    "norm1": "ln1",
    "norm2": "ln2",
    "attn.qkv": "attn.qkv",
    "attn.proj": "attn.proj",
    "ls1.gamma": "attn.gamma1.weight",
    "ls2.gamma": "ffn.gamma2.weight",
    "mlp.fc1": "ffn.layers.0.0",
    "mlp.fc2": "ffn.layers.1",
    "mlp.w12": "ffn.w12",
    "mlp.w3": "ffn.w3",
}
OUTSIDE = {
    "patch_embed.proj": "patch_embed.projection",
    "reg_token": "registers",  # timm
    "register_tokens": "registers",  # DINOv2
}
DECODER = "decoder_"
"""What the decoder's weights of MAE's whole model begin with; the mask token beside them is its too."""


def translate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the weights of a public vision transformer the names and shapes that :class:`mmhsi.models.HSIViT` has.

    - MAE (``mae_pretrain_vit_*.pth``, and whole models, whose decoder is left out): timm's names.
    - timm: ``blocks.0.norm1.weight`` …; without a position for CLS where ``reg_token`` is added after positions.
    - DINOv2: timm's names, ``register_tokens``, a mask token (1, d), SwiGLU as ``mlp.w12`` and ``mlp.w3``, layers that
      may be stored in chunks.
    - DINOv3, of its repository or of transformers: registers, rotary positions, biases of keys 0.
    - mmpretrain: our names but for the last norm, ``ln1``.
    - MaskedSST: the names of :class:`mmhsi.models.SST`, its blocks' maps in one.
    - HyperSIGMA: timm's names behind embeddings of their own, without CLS and positions; of both branches fused, each
      behind a name.
    - DOFA, Panopticon, SpectralEarth: timm's names behind embeddings of their own
      (:mod:`mmhsi.models.weights.families`).

    Classifiers' heads keep their names, for which an encoder has no place.

    Args:
        state: A state dict of one of these, or of another model.

    Returns:
        The translated weights; those of another model as they are.

    Raises:
        ConfigError: If they are of a vision transformer without positions, or of DINOv3 and not complete.
    """
    state = from_transformers(state)
    family = family_of(state)
    if family is not None:
        return _from_timm(family.to_timm(state))
    if "patch_embed.proj.weight" in state and any(LAYER.match(key) for key in state):
        if "pos_embed" not in state:
            raise ConfigError(
                "weights without positions: neither a table (pos_embed) nor DINOv3's rotary ones "
                "(rope_embed.periods); of DINOv3, the files of its repository and of transformers are read, not timm's"
            )
        return _from_timm(state)
    if "patch_embed.projection.weight" in state and "ln1.weight" in state and "norm.weight" not in state:
        return {re.sub(r"^ln1\.", "norm.", key): value for key, value in state.items()}
    return dict(state)


def _from_timm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of timm, which MAE's and DINOv2's public code share."""
    with_decoder = any(key.startswith(DECODER) for key in state)
    packed = state.get("blocks.0.mlp.fc1.weight"), state.get("blocks.0.mlp.fc2.weight")
    # timm packs both halves of SwiGLU into fc1, which then has twice as many rows as fc2 has columns.
    swiglu = packed[0] is not None and packed[1] is not None and len(packed[0]) == 2 * packed[1].shape[1]
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        if with_decoder and (key.startswith(DECODER) or key == "mask_token"):
            continue
        renamed[_renamed(key, swiglu)] = value
    if "mask_token" in renamed and renamed["mask_token"].ndim == 2:
        renamed["mask_token"] = renamed["mask_token"][None]
    table = renamed.get("pos_embed")
    if table is not None and int(table.shape[1] ** 0.5) ** 2 == table.shape[1] and "reg_token" in state:
        renamed["pos_embed"] = torch.cat([torch.zeros_like(table[:, :1]), table], dim=1)  # CLS has no position
    return renamed


def _renamed(key: str, swiglu: bool) -> str:
    """One name of timm's."""
    found = LAYER.match(key)
    names = IN_LAYER | ({"mlp.fc1": "ffn.w12", "mlp.fc2": "ffn.w3"} if swiglu else {}) if found else OUTSIDE
    rest = found[3] if found else key
    for old, new in names.items():
        if rest == old or rest.startswith(f"{old}."):
            rest = new + rest[len(old) :]
            break
    return f"{found[1] or ''}layers.{found[2]}.{rest}" if found else rest
