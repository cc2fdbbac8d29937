"""Means and spreads of the principal components over surroundings of several sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_sizes
from mmhsi.registry import CHANNELS

from .filters import blur_valid, gaussian_radius
from .group import ChannelGroup, Views, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@CHANNELS.register_module()
class MultiScale(ChannelGroup):
    """Gaussian means of the principal components, and their standard deviations √(mean of squares − mean²).

    Args:
        means: Standard deviations of the Gaussians in pixels, for the means. Default 1, 2, 4, 8.
        spreads: Likewise, for the standard deviations. Default 1, 2, 4.
        count: Principal components. Default 6.

    Raises:
        ConfigError: If ``count`` is less than 1, or a standard deviation is not positive.
    """

    short = "ms"

    def __init__(
        self, means: Sequence[float] = (1, 2, 4, 8), spreads: Sequence[float] = (1, 2, 4), count: int = 6
    ) -> None:
        self.means = positive("MultiScale", "means", means)
        self.spreads = positive("MultiScale", "spreads", spreads)
        check_sizes("MultiScale", count=count)
        self.count = count

    def reach(self, scale: int) -> int:
        """Of the widest Gaussian; arguments as for :meth:`ChannelGroup.reach`."""
        return gaussian_radius(max(*self.means, *self.spreads), None)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """K channels a Gaussian: all means, then all standard deviations."""
        image, valid, limit = views.components[..., : self.count], views.valid, views.limit
        means = {sigma: blur_valid(image, valid, sigma, limit) for sigma in {*self.means, *self.spreads}}
        squares = image**2
        spreads = [
            np.sqrt((blur_valid(squares, valid, sigma, limit) - means[sigma] ** 2).clip(min=0))
            for sigma in self.spreads
        ]
        return np.concatenate([*(means[sigma] for sigma in self.means), *spreads], axis=2)
