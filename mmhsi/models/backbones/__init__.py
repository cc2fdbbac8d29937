"""Backbones: from (B, C, H, W) to a tuple of maps (B, d, h, w)."""

from .hsi_vit import HSIViT

__all__ = ["HSIViT"]
