"""Spectral tokens: one for each group of neighbouring bands."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_WAVELENGTH = 100
"""In nm. Sensors see 300 nm and more; what is below 100 is in another unit, and its codes would hardly differ."""


def pad_bands(x: Tensor, group_size: int) -> Tensor:
    """Repeat the last band until the bands divide into groups.

    Args:
        x: Images, shape (B, C, H, W).
        group_size: Bands a group, q.

    Returns:
        Tensor of shape (B, C', H, W); ``x`` itself where nothing is missing.
    """
    missing = -x.shape[1] % group_size
    return torch.cat([x, x[:, -1:].expand(-1, missing, -1, -1)], dim=1) if missing else x


def group_centres(positions: Sequence[float], group_size: int) -> Tensor:
    """Mean position of each group of bands; the last group is completed by its last band, as :func:`pad_bands` does.

    Args:
        positions: Position of each band, as nm or as index, C values.
        group_size: Bands a group, q.

    Returns:
        Tensor of shape (ceil(C / q),), float64.
    """
    padded = list(positions) + [positions[-1]] * (-len(positions) % group_size)
    return torch.tensor(padded, dtype=torch.float64).reshape(-1, group_size).mean(dim=1)


def band_positions(wavelengths: Sequence[float] | None, bands: int, owner: str) -> Sequence[float]:
    """Positions of bands: their wavelengths, or without them their indices.

    Args:
        wavelengths: Centre of each band in nm, or None.
        bands: Bands C.
        owner: The backbone, for the message.

    Raises:
        ConfigError: If there are not C wavelengths, or they are not in nm.
    """
    if wavelengths is None:
        return range(bands)
    if len(wavelengths) != bands:
        raise ConfigError(f"{owner}: {len(wavelengths)} wavelengths for in_channels={bands} bands")
    wrong = [value for value in wavelengths if not (isfinite(value) and value >= SHORTEST_WAVELENGTH)]
    if wrong:
        raise ConfigError(
            f"{owner}: wavelengths are in nm, at least {SHORTEST_WAVELENGTH}, got {wrong[0]}; are they micrometres?"
        )
    return wavelengths


def pooled_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps resampled to a grid by adaptive average pooling; those that have its size already are not copied.

    Args:
        x: Shape (B, C, H, W).
        size: (h, w) of the grid.
    """
    return x if tuple(x.shape[2:]) == size else F.adaptive_avg_pool2d(x, size)


class PooledSpectralEmbed(nn.Module):
    """One token for each band group of images of any size.

    The bands are resampled to a fixed grid by adaptive average pooling; one linear map, shared by all groups, takes a
    group's values to a token. Its weights therefore fit any number of bands.

    Args:
        embed_dims: Token width d.
        group_size: Bands a token, q. A last group that is not full is completed by repeating the last band.
        grid_size: Side s of the fixed grid.
    """

    def __init__(self, embed_dims: int, group_size: int, grid_size: int) -> None:
        super().__init__()
        self.group_size = group_size
        self.grid_size = grid_size
        self.projection = nn.Linear(group_size * grid_size**2, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """Embed (B, C, H, W) into tokens (B, ceil(C / q), d).

        Args:
            x: Images, shape (B, C, H, W).
        """
        x = pad_bands(pooled_to(x, (self.grid_size, self.grid_size)), self.group_size)
        x = x.unflatten(1, (-1, self.group_size)).flatten(2)  # (B, C', s, s) -> (B, g, q · s · s)
        return self.projection(x)


class PixelSpectralEmbed(nn.Module):
    """One token for each band group, made from all of its pixels (dissertation §3.2): a convolution along the bands.

    Its channels are the pixels, so that each image size has a convolution of its own (H · W -> d, kernel = stride = q).

    Args:
        embed_dims: Token width d.
        group_size: Bands a token, q. A last group that is not full is completed by repeating the last band.
        sizes: The (H, W) that are taken.
    """

    def __init__(self, embed_dims: int, group_size: int, sizes: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.group_size = group_size
        self.projections = nn.ModuleDict(
            {
                f"{height}x{width}": nn.Conv1d(height * width, embed_dims, group_size, group_size)
                for height, width in sizes
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Embed (B, C, H, W) into tokens (B, ceil(C / q), d).

        Args:
            x: Images, shape (B, C, H, W).

        Raises:
            ConfigError: If H x W is none of ``sizes``.
        """
        size = f"{x.shape[2]}x{x.shape[3]}"
        if size not in self.projections:
            raise ConfigError(
                f"SpatialSpectralViT: mode='paper' takes {' and '.join(self.projections)} pixels, got {size}; set "
                "img_size and local_img_size, or mode='any'"
            )
        pixels = pad_bands(x, self.group_size).flatten(2).transpose(1, 2)  # (B, C, H, W) -> (B, H · W, C')
        return self.projections[size](pixels).transpose(1, 2)
