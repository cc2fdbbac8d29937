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


def blend_weight(height: int, width: int) -> Tensor:
    """Weight of a window's pixels: falls smoothly towards its borders and is positive everywhere.

    Returns:
        Tensor of shape (height, width): the product of two sine bells.
    """

    def bell(size: int) -> Tensor:
        return torch.sin(torch.pi * (torch.arange(size) + 0.5) / size)

    return bell(height)[:, None] * bell(width)[None]
