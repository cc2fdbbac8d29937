"""Masking of positions in all spectral groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.registry import MASKING

from .base import TokenMasking, hide_highest

if TYPE_CHECKING:
    from torch import Tensor

    from ..rng import BatchRNG


@MASKING.register_module()
class TubeMasking(TokenMasking):
    """Hide positions at random, each in all spectral groups (LO-SST paper §3.3).

    Exactly round(ratio · N) positions are hidden; no group tells what another hides.
    """

    def __call__(self, rng: BatchRNG, groups: int, grid: tuple[int, int]) -> Tensor:
        """Draw a mask; see :class:`TokenMasking`."""
        positions = grid[0] * grid[1]
        return hide_highest(rng.uniform(positions), self.count(positions))[:, None].expand(-1, groups, -1)
