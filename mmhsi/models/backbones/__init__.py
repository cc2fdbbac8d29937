"""Backbones: from (B, C, H, W) to a tuple of maps (B, d, h, w)."""

from .hsi_vit import HSIViT
from .spatial_spectral_vit import SpatialSpectralViT
from .sst import SST

__all__ = ["SST", "HSIViT", "SpatialSpectralViT"]
