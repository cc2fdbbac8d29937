"""Hyperspectral image transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit
from .dynamic_conv import DynamicConv3d

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConvPermutator(nn.Module):
    """Three maps of a map, along rows, along columns and across channels, mixed with weights of each channel.

    Args:
        channels: Channels d.
        reorder: See :class:`HiT`.
    """

    def __init__(self, channels: int, reorder: bool) -> None:
        super().__init__()
        self.along_width = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), groups=channels, bias=False)
        self.along_height = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), groups=channels, bias=False)
        self.across = nn.Conv2d(channels, channels, 1, bias=False)
        self.weigh = nn.Sequential(
            nn.Linear(channels, channels // 4), nn.GELU(), nn.Linear(channels // 4, 3 * channels)
        )
        self.project = nn.Linear(channels, channels)
        self.reorder = reorder

    def forward(self, x: Tensor) -> Tensor:
        """Mix maps (B, h, w, d).

        Args:
            x: Shape (B, h, w, d).
        """
        maps = x.permute(0, 3, 1, 2)
        parts = self.along_width(maps), self.along_height(maps), self.across(maps)
        shares = self.weigh(sum(parts).mean(dim=(2, 3))).unflatten(1, (-1, 3))  # (B, d, 3)
        shares = shares.transpose(1, 2).contiguous().softmax(dim=1)  # of rows of d: of three values each it is slow
        mixed = sum(part * shares[:, index, :, None, None] for index, part in enumerate(parts))
        return self.project(mixed.reshape(x.shape) if self.reorder else mixed.permute(0, 2, 3, 1))


class PermutatorLayer(nn.Module):
    """Pre-norm layer: a permutator in the place of attention, then an MLP.

    Args:
        channels: Channels d.
        mlp_ratio: Hidden units by channel.
        drop_path_rate: Stochastic depth.
        reorder: See :class:`HiT`.
    """

    def __init__(self, channels: int, mlp_ratio: int, drop_path_rate: float, reorder: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.permutator = ConvPermutator(channels, reorder)
        self.norm2 = nn.LayerNorm(channels)
        hidden = mlp_ratio * channels
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, channels))
        self.drop_path = DropPath(drop_path_rate) if drop_path_rate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, h, w, d) to the same shape.

        Args:
            x: Shape (B, h, w, d).
        """
        x = x + self.drop_path(self.permutator(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


@MODELS.register_module()
class HiT(QuietInit):
    """Spectral-adaptive 3-D convolutions, then four stages of convolutional permutators.

    X. Yang, W. Cao, Y. Lu, Y. Zhou, Hyperspectral image transformer classification networks, IEEE TGRS 60, 2022; public
    code: xiachangxue/DeepHyperX. Two dynamic 3-D convolutions make of C bands ⌈⌈C / 2⌉ / 2⌉ steps of 8 channels each,
    which are the width of the first two stages; the others are ``embed_dims`` wide. Before the third a 2 × 2
    convolution halves the map. With mmpretrain's ``GlobalAveragePooling`` and ``LinearClsHead`` behind it it gives the
    public code's logits. Its 1 × 1 convolution in every permutator and its second classifier are never used there and
    absent here.

    The public code reads each mixed map, which has its channels first, as if they came last, which shuffles values
    among pixels and channels; the figures of papers were measured so. ``reorder=False`` puts them in their places.

    Takes any H × W from 1 × 1; the paper's windows have 15 × 15 pixels. The width follows the bands: weights cannot be
    carried over to another number of them.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Channels d of the last two stages, a multiple of 4. Default 512.
        depths: Layers of the four stages. Default (4, 3, 14, 3).
        mlp_ratio: Hidden units of the MLPs by channel. Default 3.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly. Default 0.1.
        reorder: Whether mixed maps are read as the public code reads them. Default True.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1, ``embed_dims`` no multiple of 4 or there are not four stages.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 512,
        depths: Sequence[int] = (4, 3, 14, 3),
        mlp_ratio: int = 3,
        drop_path_rate: float = 0.1,
        reorder: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("HiT", in_channels=in_channels, embed_dims=embed_dims, mlp_ratio=mlp_ratio)
        if len(depths) != 4 or min(depths) < 1 or embed_dims % 4:
            raise ConfigError(
                f"HiT: depths={tuple(depths)}, embed_dims={embed_dims} given, expected four positive numbers and a "
                "multiple of 4"
            )
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.stem = nn.Sequential(DynamicConv3d(1, 4, (2, 2, 2)), DynamicConv3d(4, 8, (2, 1, 1)))
        width = 8 * -(-in_channels // 4)
        last, done = max(sum(depths) - 1, 1), 0
        self.stages = nn.ModuleList()
        for channels, depth in zip((width, width, embed_dims, embed_dims), depths, strict=True):
            rates = [drop_path_rate * index / last for index in range(done, done + depth)]
            self.stages.append(nn.Sequential(*(PermutatorLayer(channels, mlp_ratio, rate, reorder) for rate in rates)))
            done += depth
        self.downsample = nn.Conv2d(width, embed_dims, 2, stride=2)
        self.norm = nn.LayerNorm(embed_dims)
        for layer in self.stages.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def band_axes(self) -> dict[str, int]:
        """Nothing: the width of half of the network follows the bands."""
        return {}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, ⌈h / 2⌉ // 2, ⌈w / 2⌉ // 2), of 1 × 1 at least.

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("HiT", x, self.in_channels)
        x = self.stem(x[:, None]).flatten(1, 2).permute(0, 2, 3, 1)  # (B, 8, D, h, w) -> (B, h, w, 8 · D)
        x = self.stages[1](self.stages[0](x)).permute(0, 3, 1, 2)
        x = self.downsample(F.pad(x, (0, max(2 - x.shape[3], 0), 0, max(2 - x.shape[2], 0))))
        x = self.norm(self.stages[3](self.stages[2](x.permute(0, 2, 3, 1))))
        return (x.permute(0, 3, 1, 2),)
