"""Decode heads: from backbone maps to class logits a pixel."""

from .cnn_head import CNNHead
from .multiscale_linear_head import MultiscaleLinearHead
from .token_linear_head import TokenLinearHead
from .unet_head import UNetHead

__all__ = ["CNNHead", "MultiscaleLinearHead", "TokenLinearHead", "UNetHead"]
