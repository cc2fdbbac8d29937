"""3 × 3 convolutions that see whole neighbourhoods alone: nothing stands in for pixels beyond a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARK = "unpadded"
"""Buffer that a state dict of such a network has, and one of before does not."""


class UnpaddedConvolutions(nn.Module):
    """Mixin of networks of 3 × 3 convolutions, each of which takes a pixel off every side of a window.

    A window's border is where it is cut, not where the scene ends. With zeros beyond it the same pixel would have other
    features in every window that holds it, and a scene could not be mapped but window by window.

    Weights from before this, whose state dict lacks :data:`MARK`, were trained with zeros around the maps: a network
    that such weights are loaded into pads as it did then, gives what it gave, and is saved as such.
    """

    unpadded: Tensor
    embed_pixels: Callable[[Tensor], Tensor]
    forward_pixels: Callable[[Tensor], Tensor]

    def mark_unpadded(self) -> None:
        """Say in the state dict how the convolutions work; at the end of a constructor."""
        self.register_buffer(MARK, torch.ones((), dtype=torch.bool))

    @property
    def reach(self) -> int:
        """Pixels that the convolutions take off every side; 0 of those that pad."""
        return len(self._convolutions()) if self.is_unpadded else 0

    @property
    def is_unpadded(self) -> bool:
        """Whether nothing stands in for pixels beyond a window."""
        return MARK in self._buffers

    def least(self, x: Tensor) -> Tensor:
        """Windows of the least size at least: smaller ones are surrounded with zeros, the mean of every band.

        Args:
            x: Shape (B, C, h, w).
        """
        lacking = [max(0, 2 * self.reach + 1 - side) for side in x.shape[2:]]
        if not any(lacking):
            return x
        down, across = lacking
        return F.pad(x, (across - across // 2, across // 2, down - down // 2, down // 2))

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, h − 2 · reach, w − 2 · reach), at least 1 × 1.

        Args:
            x: Windows, shape (B, C, h, w).
        """
        return (self.forward_pixels(self.embed_pixels(self.least(x))),)

    def make_room(self, state: Mapping[str, Tensor]) -> None:
        """Work as the network did whose weights are loaded next.

        Args:
            state: They, by name.
        """
        if not state or (MARK in state) == self.is_unpadded:
            return
        if MARK in state:
            self.mark_unpadded()
        else:
            del self.unpadded
        pad = int(MARK not in state)
        for conv in self._convolutions():
            kept: Any = tuple(conv.padding)[:-2]  # of 2 or of 3 axes
            conv.padding = (*kept, pad, pad)

    def _convolutions(self) -> list[nn.Conv2d | nn.Conv3d]:
        found = (module for module in self.modules() if isinstance(module, nn.Conv2d | nn.Conv3d))
        return [conv for conv in found if conv.kernel_size[-1] == 3]

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        self.make_room({key[len(prefix) :]: value for key, value in state_dict.items() if key.startswith(prefix)})
        super()._load_from_state_dict(state_dict, prefix, *args)
