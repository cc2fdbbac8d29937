"""Semantic segmentation by a backbone and a decode head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmseg.models import UNet, segmentors

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..freezing import FreezableBackbone

if TYPE_CHECKING:
    from torch import Tensor


@MODELS.register_module()
class EncoderDecoder(FreezableBackbone, segmentors.EncoderDecoder):
    """mmseg's encoder and decoder, whose encoder can be frozen or given adapters by one word.

    Args:
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        lora: Options of low-rank adapters (:func:`mmhsi.models.adapters.check_lora`), such as ``dict(rank=8)``, which
            then alone learn of the backbone. Default None.
        **kwargs: mmseg's ``EncoderDecoder``.
    """

    def __init__(self, frozen: bool = False, lora: dict | None = None, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.limit_backbone(frozen, lora)

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
