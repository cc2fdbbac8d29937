"""Channels that need no neighbours: the bands themselves, or their principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.registry import CHANNELS

from .group import ChannelGroup, Views

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@CHANNELS.register_module()
class Spectra(ChannelGroup):
    """The bands, of zero mean and unit variance over the scene."""

    short = "spectra"

    def reach(self, scale: int) -> int:
        """None; arguments as for :meth:`ChannelGroup.reach`."""
        return 0

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """C channels."""
        return views.spectra


@CHANNELS.register_module()
class Components(ChannelGroup):
    """The principal components, of unit variance over the scene."""

    short = "components"

    def reach(self, scale: int) -> int:
        """None; arguments as for :meth:`ChannelGroup.reach`."""
        return 0

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """K channels."""
        return views.components
