"""Attention to few points of a grid, which each token chooses: no compiled operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .vit_layer import SelfAttention


class SampledAttention(SelfAttention):
    """Every token attends to p points around it in each head, between which keys and values are interpolated.

    Sampled attention of D. Wang et al., HyperSIGMA, 2024: the offsets of the points are linear in the query. Keys and
    values beyond the grid are 0.

    Args:
        embed_dims: Token width d.
        num_heads: Heads.
        drop_rate: Dropout after the output projection. Default 0.
        drop_path_rate: Stochastic depth. Default 0.
        points: p. Default 4.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        points: int = 4,
    ) -> None:
        super().__init__(embed_dims, num_heads, drop_rate, drop_path_rate)
        self.points = points
        self.sampling_offsets = nn.Linear(embed_dims, num_heads * points * 2)

    def forward(self, x: Tensor, grid: tuple[int, int] | None = None) -> Tensor:  # type: ignore[override]
        """Attend within each row of tokens.

        Args:
            x: Shape (B, n, d).
            grid: (h, w) with n = h · w. Default: a square.

        Returns:
            Shape (B, n, d).
        """
        batch, count, heads = len(x), x.shape[1], self.num_heads
        height, width = grid or (round(count**0.5),) * 2
        query, key, value = self.qkv(x).chunk(3, dim=2)
        rows, columns = (torch.arange(side, device=x.device, dtype=x.dtype) + 0.5 for side in (height, width))
        own = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2).flatten(0, 1)  # (n, 2) as x, y
        offsets = self.sampling_offsets(query).view(batch, count, heads, self.points, 2).transpose(1, 2)
        # In grid_sample's coordinates the grid goes from −1 to 1, outer edges of its cells.
        places = (own[:, None] + offsets).flatten(0, 1) * 2 / own.new_tensor([width, height]) - 1  # (B·H, n, p, 2)

        def sampled(values: Tensor) -> Tensor:
            maps = values.transpose(1, 2).reshape(batch * heads, self.head_dims, height, width)
            seen = F.grid_sample(maps, places.to(maps.dtype), align_corners=False)  # (B·H, e, n, p)
            return seen.unflatten(0, (batch, heads)).permute(0, 1, 3, 4, 2)  # (B, H, n, p, e)

        asked = query.unflatten(2, (heads, self.head_dims)).transpose(1, 2)[:, :, :, None]  # (B, H, n, 1, e)
        attention = ((asked * sampled(key)).sum(-1) * self.head_dims**-0.5).softmax(dim=-1)  # (B, H, n, p)
        seen = (attention[..., None] * sampled(value)).sum(3).transpose(1, 2).flatten(2)
        return self.out_drop(self.proj_drop(self.proj(seen)))
