"""What the CLS tokens of the vision transformers attend to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from .protocols import AttentiveBackbone, check_protocol

if TYPE_CHECKING:
    from .layers import SelfAttention


def cls_row(attention: SelfAttention, extra: int, x: Tensor, turns: Tensor | None = None) -> Tensor:
    """Softmax over all tokens of the CLS query's row, the part of the ``extra`` first tokens left out.

    Args:
        attention: Of a layer.
        extra: CLS and registers.
        x: What it is given, shape (B, n, d).
        turns: Rotary positions, where it is given some.

    Returns:
        Shape (B, heads, n - extra); the rest of the row's sum of 1 went to CLS and registers.
    """
    query, key, _ = attention.heads(x, turns)
    scores = query[:, :, :1].float() @ key.float().transpose(-2, -1) * attention.head_dims**-0.5  # (B, heads, 1, n)
    return scores.softmax(dim=-1)[:, :, 0, extra:]


@torch.no_grad()
def cls_attention(backbone: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Attention of the CLS token in the last layer of every stream.

    Args:
        backbone: An :class:`mmhsi.models.protocols.AttentiveBackbone`, such as :class:`mmhsi.models.HSIViT`.
        images: Normalised, shape (B, C, H, W).

    Returns:
        ``'spatial'``, shape (B, heads, h, w); with two streams also ``'spectral'``, shape (B, heads, g).

    Raises:
        ConfigError: If the backbone has no CLS token.
    """
    attentive = check_protocol("attention of CLS", backbone, AttentiveBackbone)
    seen: dict[str, Tensor] = {}
    handles = []
    try:
        for stream, module in attentive.last_attention().items():  # pruning leaves the last layer

            def keep(module: nn.Module, given: tuple, stream: str = stream) -> None:
                seen[stream] = cls_row(cast("SelfAttention", module), attentive.num_extra_tokens, *given)

            handles.append(module.register_forward_pre_hook(keep))
        grid = backbone(images)[-1].shape[2:]
    finally:
        for handle in handles:
            handle.remove()
    seen["spatial"] = seen["spatial"].unflatten(2, grid)
    return seen
