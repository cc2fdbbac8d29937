"""Preprocessor of several views of an image."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class ViewPreprocessor(BandPreprocessor):
    """Stack views, move the raw values to the device, normalise there, one pass for neighbouring views of one size.

    Arguments are those of :class:`BandPreprocessor`; ``augments`` draw for each view of each image.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a collated batch of :class:`mmhsi.datasets.transforms.PackViews`.

        Args:
            data: ``inputs[view][sample]``, tensors (C, h, w); ``valid[view][sample]``, bool (h, w).
            training: Whether to augment.

        Returns:
            ``inputs``, one (B, C, h, w) float32 a view; ``data_samples``; for models that ask for them
            ``valid``, one (B, h, w) a view, and, in training, ``rng`` for B samples.
        """
        inputs: list[Tensor] = []
        valid: list[Tensor] = []
        views: Sequence[tuple[Sequence[Tensor], Sequence[Tensor]]] = list(
            zip(data["inputs"], data["valid"], strict=True)
        )
        rng = self.step_rng(len(views[0][0]), self.device) if training else None
        for _, group in groupby(views, key=lambda view: view[0][0].shape):
            images, masks = zip(*group, strict=True)
            mask = self.cast_data(torch.stack([sample for view in masks for sample in view]))
            x = self.normalise(self.cast_data(torch.stack([sample for view in images for sample in view])), mask)
            if rng is not None:
                x, mask = self.augment(x, rng.for_views(len(images)), mask)
            inputs += x.chunk(len(images))
            valid += mask.chunk(len(images))
        batch: dict = {"inputs": inputs, "data_samples": self.cast_data(data.get("data_samples"))}
        if self.with_valid:
            batch["valid"] = valid
        if self.with_rng and rng is not None:
            batch["rng"] = rng
        return batch
