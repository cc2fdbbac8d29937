"""Keeping a pretrained backbone as it was loaded, or changing it by low-rank adapters alone."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError

from .adapters import add_adapters, check_lora, merge_adapters, without_adapters
from .quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


class FreezableBackbone(QuietInit):
    """Mixin of models with a ``backbone`` that can be frozen: no gradients, no optimiser state, evaluation mode always.

    Nothing before a trained layer then needs a gradient, so that autograd keeps no activations of the backbone. Or it
    gets adapters, which alone learn of it.
    """

    backbone: nn.Module
    backbone_is_frozen: bool = False
    lora: dict | None = None

    def limit_backbone(self, frozen: bool, lora: Mapping | None) -> None:
        """Say what of the backbone learns; default all of it.

        Args:
            frozen: Whether nothing does.
            lora: Options of adapters (:func:`mmhsi.models.adapters.check_lora`), which alone do; None for none.

        Raises:
            ConfigError: If both are given, or adapters cannot be put in.
        """
        if frozen and lora is not None:
            raise ConfigError(f"{type(self).__name__}: give either frozen=True or lora")
        if frozen:
            self.freeze_backbone()
        if lora is not None:
            self.lora = check_lora(type(self).__name__, lora)
            add_adapters(self.backbone, self.lora)

    def init_weights(self) -> None:
        """Apply ``init_cfg``; weights that are loaded find the backbone without its adapters, under its own names."""
        with nullcontext() if self.lora is None else without_adapters(self.backbone):
            super().init_weights()

    def merge_adapters(self) -> None:
        """Add the adapters to the backbone's weights, for good: it gives what it gave, and takes less time."""
        if self.lora is not None:
            merge_adapters(self.backbone)
            self.lora = None

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
