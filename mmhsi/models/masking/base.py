"""What every masking strategy is: from a token grid to a mask with an exact count."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod

import torch
from torch import Tensor

from mmhsi.errors import ConfigError


def hide_highest(scores: Tensor, count: int) -> Tensor:
    """Hide the ``count`` highest scores of every row.

    Args:
        scores: Shape (B, n).
        count: How many to hide, 0 to n.

    Returns:
        Bool tensor of shape (B, n), True = hidden, ``count`` a row, ties included.
    """
    mask = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
    return mask.scatter_(1, scores.topk(count, dim=1).indices, True)


class MaskingStrategy(metaclass=ABCMeta):
    """Chooses the hidden tokens of a grid of G spectral groups × N positions.

    Args:
        ratio: Share of hidden tokens, 0 to 1. Exactly round(ratio · count) are hidden in every sample.

    Raises:
        ConfigError: If ``ratio`` lies outside 0 to 1.
    """

    def __init__(self, ratio: float) -> None:
        if not 0 <= ratio <= 1:
            raise ConfigError(f"{type(self).__name__}: ratio={ratio} given, expected 0 to 1")
        self.ratio = ratio

    @abstractmethod
    def __call__(
        self, batch: int, groups: int, grid: tuple[int, int], device: torch.device, generator: torch.Generator | None
    ) -> Tensor:
        """Draw a mask.

        Args:
            batch: Samples B.
            groups: Spectral groups G (1 for a plain ViT).
            grid: Token grid (h, w), N = h · w.
            device: Where the mask is made.
            generator: Source of randomness, None for torch's own.

        Returns:
            Bool tensor of shape (B, G, N), True = hidden.
        """

    def count(self, tokens: int) -> int:
        """How many of ``tokens`` are hidden: round(ratio · tokens)."""
        return int(self.ratio * tokens + 0.5)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ratio={self.ratio})"
