"""Backbones: from (B, C, H, W) to a tuple of maps (B, d, h, w)."""

from .base import TransformerBackbone
from .comparison import CNN2D, CNN3D, SSTN, ExViT, FreeNet, HiT, MAESTViT, SpectralCNN1D, SpectralRNN
from .hsi_vit import HSIViT
from .hypersigma import HyperSIGMASpatial, HyperSIGMASpectral
from .hypersigma_fusion import HyperSIGMAFusion
from .imae_vit import IMAEViT
from .multi_scale_windows import MultiScaleWindows
from .spatial_spectral_vit import SpatialSpectralViT
from .ss_mae_fusion import SSMAEFusion
from .ss_mae_vit import SSMAEViT
from .sst import SST
from .two_sources import TwoSources

__all__ = [
    "CNN2D",
    "CNN3D",
    "SST",
    "SSTN",
    "ExViT",
    "FreeNet",
    "HSIViT",
    "HiT",
    "HyperSIGMAFusion",
    "HyperSIGMASpatial",
    "HyperSIGMASpectral",
    "IMAEViT",
    "MAESTViT",
    "MultiScaleWindows",
    "SSMAEFusion",
    "SSMAEViT",
    "SpatialSpectralViT",
    "SpectralCNN1D",
    "SpectralRNN",
    "TransformerBackbone",
    "TwoSources",
]
