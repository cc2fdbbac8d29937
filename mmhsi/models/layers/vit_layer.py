"""Pre-norm layer of the vision transformers, with mmpretrain's names of parameters.

Written here since ``mmpretrain.models`` imports all of its models at once, those of language among them, which do not
go with every version of transformers.
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from .rotary import rotate

with warnings.catch_warnings():
    # "install mmcv rather than mmcv-lite": who did would overwrite the fork's files.
    warnings.filterwarnings("ignore", message="Fail to import")
    from mmcv.cnn.bricks.transformer import FFN


class LayerScale(nn.Module):
    """A learned factor for every channel."""

    def __init__(self, dim: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim,), float(value)))

    def forward(self, x: Tensor) -> Tensor:
        """Scale tokens.

        Args:
            x: Shape (..., d).
        """
        return x * self.weight


class SelfAttention(nn.Module):
    """Multi-head self-attention, with the drop path of its residual.

    Args:
        embed_dims: Token width d.
        num_heads: Heads.
        drop_rate: Dropout after the output projection. Default 0.
        drop_path_rate: Stochastic depth. Default 0.
        layer_scale_init_value: Of the branch's :class:`LayerScale`; 0, the default, for none.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.head_dims = embed_dims // num_heads
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(drop_rate)
        self.out_drop = DropPath(drop_path_rate)
        scaled = layer_scale_init_value > 0
        self.gamma1 = LayerScale(embed_dims, layer_scale_init_value) if scaled else nn.Identity()

    def heads(self, x: Tensor, turns: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, heads, n, head width); arguments as for :meth:`forward`."""
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, self.head_dims))
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return (query, key, value) if turns is None else (rotate(query, turns), rotate(key, turns), value)

    def forward(self, x: Tensor, turns: Tensor | None = None) -> Tensor:
        """Attend within each row of tokens.

        Args:
            x: Shape (B, n, d).
            turns: Rotary positions of the last m tokens, from
                :class:`~mmhsi.models.layers.rotary.RotaryPositions`, shape (2, m, head width) or (2, B, 1, m, head
                width). Default: none.

        Returns:
            Shape (B, n, d).
        """
        query, key, value = self.heads(x, turns)
        out = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return self.out_drop(self.gamma1(self.proj_drop(self.proj(out))))


class GatedFFN(nn.Module):
    """Two linear maps with a gated unit between them, and the residual (Shazeer 2020).

    f(a) · b, where ``w12`` holds the maps to a and b, in this order.

    Args:
        embed_dims: Token width d.
        feedforward_channels: Hidden units, of a and of b each.
        gelu: Whether f is a GELU, as in SS-MAE. Default False: SiLU, as in DINOv2 (SwiGLU).
        drop_path_rate: Stochastic depth. Default 0.
        layer_scale_init_value: As of :class:`SelfAttention`.
    """

    def __init__(
        self,
        embed_dims: int,
        feedforward_channels: int,
        gelu: bool = False,
        drop_path_rate: float = 0.0,
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__()
        self.gate = F.gelu if gelu else F.silu
        self.w12 = nn.Linear(embed_dims, 2 * feedforward_channels)
        self.w3 = nn.Linear(feedforward_channels, embed_dims)
        scaled = layer_scale_init_value > 0
        self.gamma2 = LayerScale(embed_dims, layer_scale_init_value) if scaled else nn.Identity()
        self.dropout_layer = DropPath(drop_path_rate)

    def forward(self, x: Tensor, identity: Tensor | None = None) -> Tensor:
        """Transform tokens and add ``identity``.

        Args:
            x: Tokens, shape (..., d).
            identity: Shape (..., d); None for ``x``.
        """
        a, b = self.w12(x).chunk(2, dim=-1)
        return (x if identity is None else identity) + self.dropout_layer(self.gamma2(self.w3(self.gate(a) * b)))


class ViTLayer(nn.Module):
    """Self-attention, then an MLP, both pre-norm and residual; the identity where all of its parameters are zero.

    Args:
        embed_dims: Token width d.
        num_heads: Heads.
        feedforward_channels: Hidden units of the MLP.
        drop_rate: Dropout after attention and in the MLP. Default 0.
        drop_path_rate: Stochastic depth. Default 0.
        ffn_type: ``'origin'`` for a GELU between two maps, ``'swiglu_fused'`` for DINOv2's gated network, of which two
            thirds as many hidden units, rounded up to 8, cost as much. Default ``'origin'``.
        layer_scale_init_value: Of the branches' :class:`LayerScale`; 0, the default, for none.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        ffn_type: str = "origin",
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.attn = SelfAttention(embed_dims, num_heads, drop_rate, drop_path_rate, layer_scale_init_value)
        self.ln2 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.ffn: nn.Module
        if ffn_type == "swiglu_fused":
            hidden = (feedforward_channels * 2 // 3 + 7) // 8 * 8
            self.ffn = GatedFFN(embed_dims, hidden, False, drop_path_rate, layer_scale_init_value)
        else:
            self.ffn = FFN(
                embed_dims,
                feedforward_channels,
                act_cfg=dict(type="GELU"),
                ffn_drop=drop_rate,
                dropout_layer=dict(type="DropPath", drop_prob=drop_path_rate),
                layer_scale_init_value=layer_scale_init_value,
            )

    def forward(self, x: Tensor, turns: Tensor | None = None) -> Tensor:
        """Transform tokens.

        Args:
            x: Shape (B, n, d).
            turns: As of :class:`SelfAttention`, shape (2, m, head width) or (2, B, 1, m, head width).

        Returns:
            Shape (B, n, d).
        """
        x = x + self.attn(self.ln1(x), turns)
        return self.ffn(self.ln2(x), identity=x)
