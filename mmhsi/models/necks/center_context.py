"""Features of a window's centre pixel in its context."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.registry import MODELS

from ..quiet_init import QuietInit


@MODELS.register_module()
class CenterContext(QuietInit):
    """The token at the centre of the last map, beside the mean of all tokens.

    A window's label is its centre pixel's: the mean alone blurs fields smaller than the window, the centre alone
    leaves the rest to attention. On an even grid the centre is the mean of the 2 or 4 middle tokens.
    """

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Pool maps, each (B, d, h, w), to one feature vector, a tuple of (B, 2 · d).

        Args:
            maps: The backbone's, each (B, d, h, w); the last is used.
        """
        x = maps[-1].permute(0, 2, 3, 1)  # so that gradients lie in memory as the maps of these networks do
        height, width = x.shape[1:3]
        centre = x[:, (height - 1) // 2 : height // 2 + 1, (width - 1) // 2 : width // 2 + 1]
        return (torch.cat([centre.mean(dim=(1, 2)), x.mean(dim=(1, 2))], dim=1),)
