"""Fast patch-free global learning's network."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpectralExcitation(nn.Module):
    """Every channel times a weight between 0 and 1 that is made of the means of all."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Weigh maps (B, d, h, w).

        Args:
            x: Shape (B, d, h, w).
        """
        return x * self.layers(x.mean(dim=(2, 3)))[..., None, None]


def normalised_conv(before: int, after: int, groups: int) -> list[nn.Module]:
    """3 × 3 convolution, group norm, ReLU."""
    return [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(groups, after), nn.ReLU()]


def excited_block(channels: int, groups: int) -> nn.Sequential:
    """Excitation, then a convolution, of as many channels.

    Args:
        channels: Channels in and out.
        groups: Groups of the norm, and how much narrower the excitation's hidden layer is.
    """
    return nn.Sequential(SpectralExcitation(channels, channels // groups), *normalised_conv(channels, channels, groups))


@MODELS.register_module()
class FreeNet(QuietInit):
    """Fully convolutional encoder with spectral attention, and a light decoder that adds up its levels.

    Z. Zheng, Y. Zhong, A. Ma, L. Zhang, FPGA: fast patch-free global learning framework for fully end-to-end
    hyperspectral image classification, IEEE TGRS 58(8), 2020; public code: Z-Zheng/FreeNet. Four levels, each of
    ``num_blocks`` squeeze-and-excitation and 3 × 3 convolution, halved by strided convolutions; 1 × 1 convolutions
    bring all to one width, and from the coarsest on each is doubled and added to the finer one. With mmseg's
    ``FCNHead`` without convolutions behind it it gives the public code's logits.

    Takes any H × W from 1 × 1; where 8 does not divide a side, coarser levels are resized to finer ones, else doubled.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Width d of the decoder. Default 128.
        block_channels: Channels of the levels, multiples of ``groups``. Default (96, 128, 192, 256).
        num_blocks: Blocks of each level. Default 1.
        groups: Groups of the norms, and how much narrower the excitation's hidden layer is. Default 16.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1 or the groups do not divide a level's channels.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 128,
        block_channels: Sequence[int] = (96, 128, 192, 256),
        num_blocks: int = 1,
        groups: int = 16,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("FreeNet", in_channels=in_channels, embed_dims=embed_dims, num_blocks=num_blocks, groups=groups)
        if not block_channels or any(channels < 1 or channels % groups for channels in block_channels):
            raise ConfigError(
                f"FreeNet: block_channels={tuple(block_channels)} given, expected multiples of groups={groups}"
            )
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.stem = nn.Sequential(*normalised_conv(in_channels, block_channels[0], groups))
        self.levels = nn.ModuleList(
            nn.Sequential(*(excited_block(channels, groups) for _ in range(num_blocks))) for channels in block_channels
        )
        self.halvings = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in pairwise(block_channels)
        )
        self.laterals = nn.ModuleList(nn.Conv2d(channels, embed_dims, 1) for channels in block_channels)
        self.fusions = nn.ModuleList(nn.Conv2d(embed_dims, embed_dims, 3, padding=1) for _ in block_channels)

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"stem.0.weight": 1}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode images (B, C, h, w) into one map (B, d, h, w).

        Args:
            x: Images, shape (B, C, h, w).
        """
        check_bands("FreeNet", x, self.in_channels)
        x = self.levels[0](self.stem(x))
        maps = [self.laterals[0](x)]
        for level, halving, lateral in zip(self.levels[1:], self.halvings, self.laterals[1:], strict=True):
            x = level(F.relu(halving(x)))
            maps.append(lateral(x))
        out = self.fusions[-1](maps[-1])
        for finer, fusion in zip(maps[-2::-1], self.fusions[-2::-1], strict=True):
            out = fusion(finer + F.interpolate(out, size=finer.shape[2:], mode="nearest"))
        return (out,)
