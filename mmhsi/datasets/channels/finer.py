"""The finer source within a pixel of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.registry import CHANNELS

from .filters import block_mean, block_spread
from .group import ChannelGroup, Views

if TYPE_CHECKING:
    from numpy.typing import NDArray


@CHANNELS.register_module()
class FinerMeans(ChannelGroup):
    """Mean and standard deviation of every band of the second source within a pixel; no neighbour is seen."""

    short = "finer"
    needs_second = True

    def reach(self, scale: int) -> int:
        """None; arguments as for :meth:`ChannelGroup.reach`."""
        return 0

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """2 · C2 channels, the means first."""
        means, spreads = block_mean(views.second, views.scale), block_spread(views.second, views.scale)
        return np.concatenate([means, spreads], axis=2)
