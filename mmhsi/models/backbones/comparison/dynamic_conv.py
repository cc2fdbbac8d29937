"""3-D convolutions that fit their kernels to each window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EXPERTS, TEMPERATURE = 4, 4.0


class BandGate(nn.Module):
    """Weights between 0 and 1 for every channel and band, made of the window's mean spectrum and its neighbours'.

    They start at one half.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv1d(channels, 4 * channels, 3, padding=1)
        self.norm = nn.BatchNorm1d(4 * channels)
        self.narrow = nn.Conv1d(4 * channels, channels, 1, bias=False)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh cubes (B, c, D, h, w).

        Args:
            x: Shape (B, c, D, h, w).
        """
        weights = self.narrow(F.relu(self.norm(self.widen(x.mean(dim=(3, 4)))))).sigmoid()
        return x * weights[..., None, None]


class DynamicConv3d(nn.Module):
    """A 3 × 3 × 3 convolution whose kernel is a mean of four kernels, weighed for each sample by its own means.

    The convolution is linear in its kernel: all are applied, and what they give is averaged.

    Args:
        in_channels: Channels of the cube.
        out_channels: Channels given.
        stride: Steps along bands, rows and columns.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.stride = stride
        self.gate = BandGate(in_channels)
        self.mix = nn.Sequential(
            nn.Linear(in_channels, 4 * in_channels + 1, bias=False),
            nn.ReLU(),
            nn.Linear(4 * in_channels + 1, EXPERTS, bias=False),
        )
        self.weight = nn.Parameter(torch.randn(EXPERTS, out_channels, in_channels, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve cubes (B, c, D, h, w).

        Args:
            x: Shape (B, c, D, h, w).
        """
        shares = (self.mix(x.mean(dim=(2, 3, 4))) / TEMPERATURE).softmax(dim=1)
        out = F.conv3d(self.gate(x), self.weight.flatten(0, 1), stride=self.stride, padding=1)
        return torch.einsum("bk,bkodhw->bodhw", shares, out.unflatten(1, (EXPERTS, -1)))
