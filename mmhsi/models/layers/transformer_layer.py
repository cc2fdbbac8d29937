"""Pre-norm transformer layer whose heads may be wider than the tokens."""

from __future__ import annotations

import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn


class WideHeadAttention(nn.Module):
    """Multi-head self-attention with an inner width of heads × head width, free of the token width d."""

    def __init__(self, embed_dims: int, num_heads: int, head_dims: int, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dims, 3 * num_heads * head_dims, bias=False)
        self.projection = nn.Linear(num_heads * head_dims, embed_dims)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """Attend within each row of tokens.

        Args:
            x: Tokens, shape (R, n, d).
            key_padding_mask: Bool, shape (R, n), True = no token attends to it. Outputs at such positions are finite
                and mean nothing; so is a whole row of them.

        Returns:
            Tensor of shape (R, n, d).
        """
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1))  # (R, n, 3, heads, head width)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attend = None
        if key_padding_mask is not None:
            # A softmax over no key at all is NaN: a row of padding attends to itself instead.
            attend = ~key_padding_mask | key_padding_mask.all(dim=1, keepdim=True)
            attend = attend[:, None, None]
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=attend)
        return self.drop(self.projection(out.transpose(1, 2).flatten(2)))  # (R, heads, n, head width) -> (R, n, d)


class TransformerLayer(nn.Module):
    """Pre-norm layer of the spatial-spectral transformer (LO-SST paper §3.1).

    Attention, then a GELU MLP, both residual. Query, key and value maps have no bias. With d 48,
    4 heads of width 64 and 192 hidden units it has the paper's 68,064 parameters. With all of them zero it is the
    identity.

    Args:
        embed_dims: Token width d.
        num_heads: Heads.
        head_dims: Width of a head; heads × width need not be d.
        feedforward_channels: Hidden units of the MLP.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth, drawn for each row of tokens.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        head_dims: int,
        feedforward_channels: int,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dims)
        self.attention = WideHeadAttention(embed_dims, num_heads, head_dims, drop_rate)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.mlp = nn.Sequential(
            nn.Linear(embed_dims, feedforward_channels),
            nn.GELU(),
            nn.Dropout(drop_rate),
            nn.Linear(feedforward_channels, embed_dims),
            nn.Dropout(drop_rate),
        )
        self.drop_path = DropPath(drop_path_rate) if drop_path_rate else nn.Identity()

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """Transform rows of tokens (R, n, d); ``key_padding_mask`` (R, n) bool, True = no token attends to it.

        Args:
            x: Tokens, shape (R, n, d).
            key_padding_mask: Shape (R, n), bool; None if all tokens count.
        """
        x = x + self.drop_path(self.attention(self.norm1(x), key_padding_mask))
        return x + self.drop_path(self.mlp(self.norm2(x)))
