"""Semantic segmentation of whole tiles."""

from .encoder_decoder import EncoderDecoder
from .mask2former import Mask2Former

__all__ = ["EncoderDecoder", "Mask2Former"]
