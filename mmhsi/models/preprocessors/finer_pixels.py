"""A finer source on the grid of a coarser one: its pixels averaged, or as channels."""

from __future__ import annotations

import torch
from torch import Tensor


def pool_scene(scene: Tensor, scale: int, with_std: bool = False) -> Tensor:
    """Average scenes over squares of pixels.

    Args:
        scene: Shape (…, H · s, W · s, C), float.
        scale: s.
        with_std: Whether the standard deviations within the squares are put behind the means. Default False.

    Returns:
        Tensor of shape (…, H, W, C) or (…, H, W, 2 · C).
    """
    squares = scene.unflatten(-3, (-1, scale)).unflatten(-2, (-1, scale))  # (…, H, s, W, s, C)
    mean = squares.mean(dim=(-4, -2))
    return torch.cat([mean, squares.std(dim=(-4, -2), correction=0)], dim=-1) if with_std else mean


def pack_scene(scene: Tensor, scale: int) -> Tensor:
    """Every pixel of a square of pixels as channels of its own; :func:`torch.nn.functional.pixel_shuffle` undoes it.

    Args:
        scene: Shape (…, H · s, W · s, C).
        scale: s.

    Returns:
        Tensor of shape (…, H, W, C · s²), the pixels of a channel side by side.
    """
    squares = scene.unflatten(-3, (-1, scale)).unflatten(-2, (-1, scale))  # (…, H, s, W, s, C)
    return squares.movedim((-4, -2), (-2, -1)).flatten(-3)
