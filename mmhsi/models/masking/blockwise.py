"""Masking of rectangles of positions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING

from .base import TokenMasking, hide_highest

if TYPE_CHECKING:
    from ..rng import BatchRNG


def rectangle_scores(
    rng: BatchRNG,
    counts: Tensor,
    grid: tuple[int, int],
    min_aspect: float = 0.3,
    max_block: float = 0.5,
    blocks: int = 24,
) -> Tensor:
    """Score positions such that the highest ones are those of rectangles drawn one after another.

    On a grid of one row the rectangles are spans.

    Args:
        rng: What to draw from, for B images.
        counts: Positions that shall be hidden in each image, shape (B,), on the device of the result.
        grid: (h, w).
        min_aspect: Smallest ratio of the shorter to the longer side; log-uniform between it and its inverse.
        max_block: Largest rectangle, as a share of ``counts``.
        blocks: Rectangles drawn.

    Returns:
        Shape (B, h · w): falls with the number of the first rectangle that covers a position; those that none covers
        are below, in random order, as are ties.
    """
    (height, width), device = grid, counts.device
    area = 1 + rng.uniform(blocks) * (max_block * counts[:, None] - 1).clamp(min=0)
    aspect = (math.log(min_aspect) * (1 - 2 * rng.uniform(blocks))).exp()
    rows = (area * aspect).sqrt().round().clamp(1, height)
    columns = (area / rows).round().clamp(1, width)
    top = (rng.uniform(blocks) * (height - rows + 1)).floor()
    left = (rng.uniform(blocks) * (width - columns + 1)).floor()
    y, x = torch.arange(height, device=device), torch.arange(width, device=device)
    in_rows = (y >= top[..., None]) & (y < (top + rows)[..., None])  # (B, K, h)
    in_columns = (x >= left[..., None]) & (x < (left + columns)[..., None])  # (B, K, w)
    covered = in_rows[..., :, None] & in_columns[..., None, :]  # (B, K, h, w)
    order = torch.arange(blocks, 0, -1, device=device)[:, None, None]
    # Noise below 1 breaks ties.
    return (covered * order).amax(dim=1).flatten(1) + rng.uniform(height * width)


@MASKING.register_module()
class BlockwiseMasking(TokenMasking):
    """Hide rectangles of positions, in all spectral groups, until exactly round(ratio · N) are hidden.

    Rectangles are drawn one after another, as for BEiT and iBOT; of the one that would exceed the count, and of what
    is left where all of them do not suffice, positions are taken at random.

    Args:
        ratio: Share of hidden positions.
        min_aspect: Smallest ratio of the shorter to the longer side; log-uniform between it and its inverse.
            Default 0.3.
        max_block: Largest rectangle, as a share of the hidden positions. Default 0.5.
        blocks: Rectangles drawn. Default 24.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(self, ratio: float, min_aspect: float = 0.3, max_block: float = 0.5, blocks: int = 24) -> None:
        super().__init__(ratio)
        if not 0 < min_aspect <= 1 or not 0 < max_block <= 1 or blocks < 1:
            raise ConfigError(
                f"BlockwiseMasking: min_aspect={min_aspect}, max_block={max_block}, blocks={blocks} given, expected "
                "0 to 1, 0 to 1 and at least 1"
            )
        self.min_aspect = min_aspect
        self.max_block = max_block
        self.blocks = blocks

    def __call__(self, rng: BatchRNG, groups: int, grid: tuple[int, int]) -> Tensor:
        """Draw a mask; see :class:`TokenMasking`."""
        count = self.count(grid[0] * grid[1])
        counts = torch.full((rng.samples,), count, device=rng.device)
        scores = rectangle_scores(rng, counts, grid, self.min_aspect, self.max_block, self.blocks)
        return hide_highest(scores, count)[:, None].expand(-1, groups, -1)
