"""Rotary positions of patches: queries and keys are turned by their place, in every layer (DINOv3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError

BASE = 100.0
"""The longest period, in half sides of the image; the shortest is 1."""


class RotaryPositions(nn.Module):
    """Angles of patches on any grid, half of them by the row, half by the column (Siméoni et al., DINOv3, 2025).

    Coordinates are those of the patches' centres, from -1 to 1 over each side of the grid, whatever its size. DINOv3's
    training shifts and scales them at random; here they stay.

    Args:
        head_dims: Width of a head, a multiple of 4.

    Raises:
        ConfigError: If the width is another.
    """

    periods: Tensor

    def __init__(self, head_dims: int) -> None:
        super().__init__()
        if head_dims % 4:
            raise ConfigError(f"RotaryPositions: heads of width {head_dims}, expected a multiple of 4")
        self.register_buffer("periods", rotary_periods(head_dims))

    def forward(self, grid: tuple[int, int], visible: Tensor | None = None) -> Tensor:
        """Cosines and sines of the angles, shape (2, n, head width), with ``visible`` (2, B, 1, n, head width).

        Args:
            grid: (h, w) of all patches.
            visible: Indices of some of them, row-major, shape (B, n). Default: all.
        """
        sides = [(torch.arange(side, device=self.periods.device) + 0.5) / side * 2 - 1 for side in grid]
        places = torch.stack(torch.meshgrid(*sides, indexing="ij"), dim=-1).flatten(0, 1)  # (h·w, 2)
        angles = (2 * math.pi * places[:, :, None] / self.periods.float()).flatten(1).tile(2)  # (h·w, head width)
        turns = torch.stack([angles.cos(), angles.sin()])
        return turns if visible is None else turns[:, visible][:, :, None]


def rotary_periods(head_dims: int) -> Tensor:
    """Periods of the angles, a geometric series from 1 up to below :data:`BASE`, shape (head width / 4,).

    Args:
        head_dims: Width of a head.
    """
    return BASE ** (torch.arange(head_dims // 4) / (head_dims // 4))


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn the last n tokens; those before them, CLS and registers, have no place.

    Args:
        x: Queries or keys, shape (B, heads, m, head width).
        turns: From :class:`RotaryPositions`.

    Returns:
        Same shape and dtype.
    """
    extra = x.shape[2] - turns.shape[-2]
    patches = x[:, :, extra:].float()
    first, second = patches.chunk(2, dim=-1)
    turned = patches * turns[0] + torch.cat([-second, first], dim=-1) * turns[1]
    return torch.cat([x[:, :, :extra], turned.to(x.dtype)], dim=2)
