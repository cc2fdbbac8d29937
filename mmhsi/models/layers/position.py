"""Position tables of patch tokens: fixed sinusoids, and honest interpolation to other grids."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhsi.errors import ConfigError


def sinusoid_1d(positions: Tensor, channels: int) -> Tensor:
    """Fixed sinusoids of one coordinate, sines first, then cosines.

    Args:
        positions: Coordinates, shape (n,).
        channels: Even number of channels.

    Returns:
        Tensor of shape (n, channels), float32, on the device of ``positions``.

    Raises:
        ConfigError: If ``channels`` is odd.
    """
    if channels % 2:
        raise ConfigError(f"sinusoid_1d: {channels} channels do not split into sines and cosines; use an even number")
    half = channels // 2
    omega = 10000.0 ** (-torch.arange(half, dtype=torch.float64, device=positions.device) / half)
    angle = positions.double()[:, None] * omega[None]
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()


def sinusoid_2d(height: int, width: int, channels: int) -> Tensor:
    """Fixed sinusoids of a token grid: half of the channels for rows, half for columns.

    Args:
        height: Rows of the grid.
        width: Columns of the grid.
        channels: Channels, a multiple of 4.

    Returns:
        Tensor of shape (height · width, channels), row-major.

    Raises:
        ConfigError: If ``channels`` is not a multiple of 4.
    """
    if channels % 4:
        raise ConfigError(f"sinusoid_2d: {channels} channels do not split into 4 parts; use a multiple of 4")
    rows = sinusoid_1d(torch.arange(height), channels // 2)
    columns = sinusoid_1d(torch.arange(width), channels // 2)
    return pair_positions(rows, columns)


def pair_positions(first: Tensor, second: Tensor) -> Tensor:
    """Codes of all pairs of two coordinates, side by side: (n, c) and (m, d) -> (n · m, c + d), the second runs faster.

    Args:
        first: Codes of one coordinate, shape (n, c).
        second: Of the other, shape (m, d).
    """
    n, m = len(first), len(second)
    return torch.cat([first[:, None].expand(n, m, -1), second[None].expand(n, m, -1)], dim=-1).flatten(0, 1)


def resize_position_table(table: Tensor, grid: tuple[int, int], new_grid: tuple[int, int]) -> Tensor:
    """Interpolate a table of patch positions from one token grid to another (bicubic).

    Args:
        table: Positions of patch tokens alone (no CLS), shape (1, h · w, d), row-major over ``grid``.
        grid: (h, w) of the table. It is taken from the owner, never guessed as a square.
        new_grid: (h', w') wanted.

    Returns:
        Tensor of shape (1, h' · w', d); the same tensor when the grids are equal.

    Raises:
        ConfigError: If the table does not hold h · w positions.
    """
    if table.shape[1] != grid[0] * grid[1]:
        raise ConfigError(f"position table holds {table.shape[1]} positions, its grid {grid} needs {grid[0] * grid[1]}")
    if grid == new_grid:
        return table
    square = table.reshape(1, *grid, -1).permute(0, 3, 1, 2)  # (1, h·w, d) -> (1, d, h, w)
    resized = F.interpolate(square.float(), size=new_grid, mode="bicubic", align_corners=False)
    return resized.flatten(2).transpose(1, 2).to(table.dtype)
