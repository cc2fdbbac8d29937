"""What the CLS tokens of the vision transformers attend to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from .protocols import AttentiveBackbone, check_protocol

if TYPE_CHECKING:
    from .layers import SelfAttention


def cls_row(attention: SelfAttention, qkv: Tensor, extra: int) -> Tensor:
    """Softmax over all tokens of the CLS query's row, the part of the ``extra`` first tokens left out.

    Args:
        attention: Of a layer.
        qkv: Output of its ``qkv`` map, shape (B, n, 3 · d).
        extra: CLS and registers.

    Returns:
        Shape (B, heads, n - extra); the rest of the row's sum of 1 went to CLS and registers.
    """
    query, key, _ = qkv.unflatten(2, (3, attention.num_heads, attention.head_dims)).permute(2, 0, 3, 1, 4).unbind(0)
    scores = query[:, :, :1] @ key.transpose(-2, -1) * attention.head_dims**-0.5  # (B, heads, 1, n)
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
            attention = cast("SelfAttention", module)

            def keep(
                _: nn.Module, __: tuple, qkv: Tensor, stream: str = stream, attention: SelfAttention = attention
            ) -> None:
                seen[stream] = cls_row(attention, qkv.float(), attentive.num_extra_tokens)

            handles.append(attention.qkv.register_forward_hook(keep))
        grid = backbone(images)[-1].shape[2:]
    finally:
        for handle in handles:
            handle.remove()
    seen["spatial"] = seen["spatial"].unflatten(2, grid)
    return seen
