"""Uniformly random masking over the whole token grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.registry import MASKING

from .base import TokenMasking, hide_highest

if TYPE_CHECKING:
    from torch import Tensor

    from ..rng import BatchRNG


@MASKING.register_module()
class RandomMasking(TokenMasking):
    """Hide tokens at random, over spectral groups and positions alike (MAE, He et al. 2022; LO-SST paper §3.3)."""

    def __call__(self, rng: BatchRNG, groups: int, grid: tuple[int, int]) -> Tensor:
        """Draw a mask; see :class:`TokenMasking`."""
        tokens = groups * grid[0] * grid[1]
        return hide_highest(rng.uniform(tokens), self.count(tokens)).view(rng.samples, groups, -1)
