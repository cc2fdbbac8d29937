"""Semantic segmentation by a backbone and a decode head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmseg.models import UNet, segmentors

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..freezing import FreezableBackbone
from ..preprocessors import dihedral, symmetries, undo_dihedral

if TYPE_CHECKING:
    from torch import Tensor


@MODELS.register_module()
class EncoderDecoder(FreezableBackbone, segmentors.EncoderDecoder):
    """mmseg's encoder and decoder, whose encoder can be frozen or given adapters by one word.

    Args:
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        lora: Options of low-rank adapters (:func:`mmhsi.models.adapters.check_lora`), such as ``dict(rank=8)``, which
            then alone learn of the backbone. Default None.
        tta: Whether prediction averages the logits over the quarter turns and flips of the image (8 for square
            images, 4 else), at that many times the cost. Default False.
        **kwargs: mmseg's ``EncoderDecoder``.
    """

    def __init__(self, frozen: bool = False, lora: dict | None = None, tta: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.limit_backbone(frozen, lora)
        self.tta = tta

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of images, with ``tta`` their mean over the symmetries.

        Args:
            inputs: Shape (B, C, H, W).
            batch_img_metas: Of the samples.

        Returns:
            Shape (B, K, H, W).
        """
        if not self.tta:
            return super().encode_decode(inputs, batch_img_metas)
        logits = torch.zeros((), device=inputs.device)
        elements = symmetries(*inputs.shape[2:])
        for element in elements:
            turned = super().encode_decode(dihedral(inputs, element), batch_img_metas)
            logits = logits + undo_dihedral(turned, element)
        return logits / len(elements)

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        """Features of images (B, C, H, W).

        Raises:
            ConfigError: If the backbone is a U-Net that does not take their sides.

        Args:
            inputs: Shape (B, C, H, W).
        """
        if isinstance(self.backbone, UNet):
            halvings = sum(self.backbone.downsamples) + sum(stride == 2 for stride in self.backbone.strides[1:])
            if any(side % (2**halvings) for side in inputs.shape[2:]):
                raise ConfigError(
                    f"mmseg.UNet takes sides that divide by {2**halvings}, got {inputs.shape[2]} x {inputs.shape[3]} "
                    f"pixels; give model.data_preprocessor.size_divisor={2**halvings}"
                )
        return super().extract_feat(inputs)
