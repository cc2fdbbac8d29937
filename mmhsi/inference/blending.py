"""Overlapping windows whose predictions are blended without seams."""

from __future__ import annotations

import torch
from torch import Tensor


def window_starts(size: int, window: int, stride: int) -> list[int]:
    """First pixels of windows that cover an axis: every ``stride`` pixels, and one flush with the end.

    Args:
        size: Pixels along the axis, at least ``window``.
        window: Pixels of a window.
        stride: Step, 1 to ``window``.

    Returns:
        Increasing starts; the first is 0, the last ``size − window``.
    """
    starts = list(range(0, size - window, stride))
    return [*starts, size - window]


def blend_weights(size: int, window: int, starts: list[int]) -> Tensor:
    """Weights of the windows' pixels along one axis: sine bells, divided so that they add up to 1 at every pixel.

    A pixel's weight in two dimensions is the product of both axes', so that these too add up to 1.

    Args:
        size: Pixels along the axis.
        window: Pixels of a window.
        starts: First pixels of the windows, which cover the axis.

    Returns:
        Shape (len(starts), window), positive, falling towards the borders of a window.
    """
    bell = torch.sin(torch.pi * (torch.arange(window, dtype=torch.float64) + 0.5) / window)
    total = torch.zeros(size, dtype=torch.float64)
    for start in starts:
        total[start : start + window] += bell
    return torch.stack([bell / total[start : start + window] for start in starts]).float()
