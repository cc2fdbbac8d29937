"""Maps of all levels of an encoder as one map of a pixel's features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmhsi.registry import MODELS

from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class LevelProjection(QuietInit):
    """Resizes all maps to the finest, joins them, and takes them to ``out_channels`` by one linear map a pixel.

    Args:
        in_channels: Channels of each map.
        out_channels: D.
        init_cfg: mmengine's initialisation.
    """

    def __init__(
        self, in_channels: Sequence[int], out_channels: int, init_cfg: dict | list[dict] | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.projection = nn.Conv2d(sum(in_channels), out_channels, 1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor]:
        """Features of all pixels of the finest map, a tuple of (B, D, H, W).

        Args:
            maps: The backbone's, each (B, d, h, w).
        """
        height, width = max(maps, key=lambda level: level.shape[2]).shape[2:]
        levels = [
            level
            if level.shape[2:] == (height, width)
            else F.interpolate(level, (height, width), mode="bilinear", align_corners=False)
            for level in maps
        ]
        return (self.projection(torch.cat(levels, dim=1)),)
