"""Fixed positions of 3-D patches: spectral sinusoids beside spatial ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError

from .position import pair_positions, sinusoid_1d

if TYPE_CHECKING:
    from collections.abc import Sequence


def interleaved_sinusoid(positions: Tensor, channels: int) -> Tensor:
    """Sinusoids of one coordinate, sine and cosine in turn (LO-SST paper, eq. 1).

    Args:
        positions: Coordinates, shape (n,).
        channels: Even number of channels, the d of eq. 1.

    Returns:
        Tensor of shape (n, channels), float32, on the device of ``positions``:
        ``[:, 2i] = sin(pos / 10000^(2i / d))`` and ``[:, 2i + 1] = cos`` of the same angle.
    """
    table = sinusoid_1d(positions, channels)  # sines, then cosines
    return table.unflatten(1, (2, -1)).transpose(1, 2).flatten(1)  # (n, 2, d/2) -> (n, d)


def split_channels(embed_dims: int, owner: str) -> tuple[int, int]:
    """Share the channels out: a third for the spectral position, the rest for the spatial one.

    The spatial part is the multiple of 4 nearest to 2d/3 (rows and columns need an even number each), and the spectral
    part is what remains: 48 = 32 + 16, 84 = 56 + 28, 128 = 84 + 44.

    Args:
        embed_dims: Token width d, even and at least 6.
        owner: Name for the error message.

    Returns:
        Spatial and spectral channels.

    Raises:
        ConfigError: If d is odd or too small.
    """
    if embed_dims % 2 or embed_dims < 6:
        raise ConfigError(
            f"{owner}: embed_dims={embed_dims} does not hold spatial and spectral sinusoids; use an even number from 6"
        )
    spatial = 4 * round(embed_dims / 6)
    return spatial, embed_dims - spatial


class SpatialSpectralPosition(nn.Module):
    """Positions added to 3-D patch tokens: spatial channels first, then spectral ones (LO-SST paper §3.1).

    Half of the spatial channels hold the row and half the column of the patch. The tables are made for every grid anew:
    any image size works.

    Args:
        embed_dims: Token width d; :func:`split_channels` says how it is shared out.
        spectral_positions: Coordinate of each of the G spectral blocks: its index, or its centre wavelength in nm.
        owner: Name for error messages.

    Raises:
        ConfigError: If d cannot be shared out.
    """

    spectral_positions: Tensor

    def __init__(
        self, embed_dims: int, spectral_positions: Sequence[float], owner: str = "SpatialSpectralPosition"
    ) -> None:
        super().__init__()
        self.spatial_channels, self.spectral_channels = split_channels(embed_dims, owner)
        # Given by the config, so it is kept out of checkpoints.
        self.register_buffer(
            "spectral_positions", torch.tensor(spectral_positions, dtype=torch.float32), persistent=False
        )

    def forward(self, grid: tuple[int, int]) -> Tensor:
        """Positions (G, h · w, d) of a token grid (h, w), row-major, float32.

        Args:
            grid: (h, w) in tokens.
        """
        height, width = grid
        device = self.spectral_positions.device
        rows = interleaved_sinusoid(torch.arange(height, device=device), self.spatial_channels // 2)
        columns = interleaved_sinusoid(torch.arange(width, device=device), self.spatial_channels // 2)
        spatial = pair_positions(rows, columns)  # (h, c/2) and (w, c/2) -> (N, c)
        spectral = interleaved_sinusoid(self.spectral_positions, self.spectral_channels)
        groups, places = len(spectral), height * width
        return torch.cat(
            [spatial[None].expand(groups, -1, -1), spectral[:, None].expand(-1, places, -1)], dim=-1
        )  # (G, N, d)
