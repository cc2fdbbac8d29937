"""Masking of positions in all spectral groups."""

from __future__ import annotations

from torch import Tensor

from mmhsi.registry import MASKING

from ..rng import BatchRNG
from .base import TokenMasking, hide_highest


@MASKING.register_module()
class TubeMasking(TokenMasking):
    """Hide positions at random, each in all spectral groups (LO-SST paper §3.3).

    Exactly round(ratio · N) positions are hidden; no group tells what another hides.
    """

    def __call__(self, rng: BatchRNG, groups: int, grid: tuple[int, int]) -> Tensor:
        """Draw a mask; see :class:`TokenMasking`."""
        positions = grid[0] * grid[1]
        return hide_highest(rng.uniform(positions), self.count(positions))[:, None].expand(-1, groups, -1)
