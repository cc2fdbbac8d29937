"""Decode heads: from backbone maps to class logits a pixel."""

from .multiscale_linear_head import MultiscaleLinearHead

__all__ = ["MultiscaleLinearHead"]
