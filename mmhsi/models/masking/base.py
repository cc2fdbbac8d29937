"""What every masking strategy is: a share that is hidden, with an exact count."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from ..rng import BatchRNG


def hide_highest(scores: Tensor, count: int) -> Tensor:
    """Hide the ``count`` highest scores of every sample.

    Args:
        scores: Shape (B, n).
        count: How many to hide, 0 to n.

    Returns:
        Bool tensor of shape (B, n), True = hidden, ``count`` a sample, ties included.
    """
    mask = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
    return mask.scatter_(1, scores.topk(count, dim=1).indices, True)


def visible_first(hidden: Tensor) -> Tensor:
    """Indices of every row, those of visible places first, both kinds ascending; the host waits for no device.

    Args:
        hidden: Bool, shape (B, n), True = hidden.

    Returns:
        int64 tensor of shape (B, n).
    """
    return hidden.to(torch.uint8).argsort(dim=1, stable=True)


class Masking:
    """Base of all strategies.

    Args:
        ratio: Share that is hidden, 0 to 1: exactly round(ratio · count) in every sample.

    Raises:
        ConfigError: If ``ratio`` lies outside 0 to 1.
    """

    def __init__(self, ratio: float) -> None:
        if not 0 <= ratio <= 1:
            raise ConfigError(f"{type(self).__name__}: ratio={ratio} given, expected 0 to 1")
        self.ratio = ratio

    def count(self, total: int) -> int:
        """How many of ``total`` are hidden: round(ratio · total).

        Args:
            total: Tokens or bands.
        """
        return int(self.ratio * total + 0.5)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ratio={self.ratio})"


class TokenMasking(Masking, metaclass=ABCMeta):
    """Chooses the hidden tokens of a grid of G spectral groups × N positions."""

    @abstractmethod
    def __call__(self, rng: BatchRNG, groups: int, grid: tuple[int, int]) -> Tensor:
        """Draw a mask.

        Args:
            rng: What to draw from, for B samples, on the device of the mask.
            groups: Spectral groups G (1 for a plain ViT).
            grid: Token grid (h, w), N = h · w.

        Returns:
            Bool tensor of shape (B, G, N), True = hidden.
        """


class BandMasking(Masking, metaclass=ABCMeta):
    """Chooses the hidden bands of images.

    Attributes:
        on_file_values: Whether it looks at values as the files have them, not at normalised ones. Default False.
    """

    on_file_values = False

    @abstractmethod
    def __call__(self, rng: BatchRNG, images: Tensor) -> Tensor:
        """Draw a mask.

        Args:
            rng: What to draw from, for B samples, on the images' device.
            images: Shape (B, C, H, W).

        Returns:
            Bool tensor of shape (B, C), True = hidden.
        """
