"""Learned positions of 3-D patches: one for every block of bands and place."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError


class LearnedBlockPosition(nn.Module):
    """A table of G blocks × N places, as MaskedSST has it.

    Args:
        embed_dims: Token width d.
        num_blocks: G.
        grid: (h, w) in tokens, N = h · w. Other grids are interpolated bicubically, each block for itself.
        owner: Name for error messages.

    Raises:
        ConfigError: If the grid is none.
    """

    def __init__(
        self, embed_dims: int, num_blocks: int, grid: tuple[int, int], owner: str = "LearnedBlockPosition"
    ) -> None:
        super().__init__()
        if len(grid) != 2 or min(grid) < 1:
            raise ConfigError(f"{owner}: position_grid={grid} given, expected (rows, columns) of tokens")
        self.grid = (int(grid[0]), int(grid[1]))
        self.table = nn.Parameter(torch.empty(num_blocks, self.grid[0] * self.grid[1], embed_dims))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, grid: tuple[int, int]) -> Tensor:
        """Positions (G, h · w, d) of a token grid (h, w), row-major.

        Args:
            grid: (h, w) in tokens.
        """
        if tuple(grid) == self.grid:
            return self.table
        maps = self.table.transpose(1, 2).unflatten(2, self.grid)  # (G, N, d) -> (G, d, h, w)
        resized = F.interpolate(maps, size=grid, mode="bicubic", align_corners=False)
        return resized.flatten(2).transpose(1, 2)
