"""Keeping a pretrained backbone as it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .quiet_init import QuietInit

if TYPE_CHECKING:
    from torch import nn


class FreezableBackbone(QuietInit):
    """Mixin of models with a ``backbone`` that can be frozen: no gradients, no optimiser state, evaluation mode always.

    Nothing before a trained layer then needs a gradient, so that autograd keeps no activations of the backbone.
    """

    backbone: nn.Module
    backbone_is_frozen: bool = False

    def freeze_backbone(self) -> None:
        """Freeze the backbone for good; its batch norm statistics and dropout stand still too."""
        self.backbone_is_frozen = True
        self.backbone.requires_grad_(False)
        self.backbone.eval()

    def train(self, mode: bool = True) -> FreezableBackbone:
        """Switch between training and evaluation; a frozen backbone stays in evaluation."""
        super().train(mode)
        if self.backbone_is_frozen:
            self.backbone.eval()
        return self
