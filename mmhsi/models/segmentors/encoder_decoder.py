"""Semantic segmentation by a backbone and a decode head."""

from __future__ import annotations

from mmseg.models import segmentors

from mmhsi.registry import MODELS

from ..freezing import FreezableBackbone


@MODELS.register_module()
class EncoderDecoder(FreezableBackbone, segmentors.EncoderDecoder):
    """mmseg's encoder and decoder, whose encoder can be frozen by one word.

    Args:
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        **kwargs: mmseg's ``EncoderDecoder``.
    """

    def __init__(self, frozen: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if frozen:
            self.freeze_backbone()
