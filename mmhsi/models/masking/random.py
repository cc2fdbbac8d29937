"""Uniformly random masking over the whole token grid."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.registry import MASKING

from ..rng import uniform_rows
from .base import TokenMasking, hide_highest


@MASKING.register_module()
class RandomMasking(TokenMasking):
    """Hide tokens at random, over spectral groups and positions alike (MAE, He et al. 2022; LO-SST paper §3.3)."""

    def __call__(
        self,
        batch: int,
        groups: int,
        grid: tuple[int, int],
        device: torch.device,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw a mask; see :class:`TokenMasking`."""
        tokens = groups * grid[0] * grid[1]
        scores = uniform_rows(batch, tokens, device=device, generator=generator)
        return hide_highest(scores, self.count(tokens)).view(batch, groups, -1)
