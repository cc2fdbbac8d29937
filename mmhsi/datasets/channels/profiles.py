"""Morphological profiles of principal components, with brightness and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_sizes
from mmhsi.registry import CHANNELS

from .group import ChannelGroup, Views
from .morphology import check_radii, profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@CHANNELS.register_module()
class MorphologicalProfiles(ChannelGroup):
    """Opening and closing by reconstruction of the principal components: shapes by their size.

    Args:
        radii: Radii of the discs in pixels. Default 2, 4, 6, 8.
        steps: Pixels that a reconstruction reaches beyond its disc. Default 24.
        count: Principal components. Default 6.

    Raises:
        ConfigError: If one is no whole number of at least 1.
    """

    short = "emp"

    def __init__(self, radii: Sequence[int] = (2, 4, 6, 8), steps: int = 24, count: int = 6) -> None:
        self.radii = check_radii(type(self).__name__, radii)
        self.steps = steps
        self.count = count
        check_sizes(type(self).__name__, steps=steps, count=count)

    def reach(self, scale: int) -> int:
        """Radius of the largest disc and the steps; arguments as for :meth:`ChannelGroup.reach`."""
        return max(self.radii) + self.steps

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """2 · n · k channels of n radii and k components."""
        return profile(views.components[..., : self.count], self.radii, self.steps, views.limit)


@CHANNELS.register_module()
class NormalizedProfiles(MorphologicalProfiles):
    """The principal components of spectra of unit length, and their profiles: shapes that shadows do not change.

    Args:
        radii: Radii of the discs in pixels. Default 2, 4, 8.
        steps: Pixels that a reconstruction reaches beyond its disc. Default 24.
        count: Principal components. Default 4.
    """

    short = "nemp"

    def __init__(self, radii: Sequence[int] = (2, 4, 8), steps: int = 24, count: int = 4) -> None:
        super().__init__(radii, steps, count)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """K + 2 · n · k channels of n radii and k components."""
        chosen = views.normalised[..., : self.count]
        return np.concatenate([chosen, profile(chosen, self.radii, self.steps, views.limit)], axis=2)
