"""Patch embeddings that take any bands: one interface, images and the centres of their bands to tokens."""

from .band_attention import BandAttentionEmbed, PanopticonEmbed
from .base import BandEmbed
from .building import EMBEDDINGS, build_embedding, embedding_of
from .spectral_stem import SpectralEarthEmbed, SpectralStemEmbed
from .wavelength import DOFAEmbed, WavelengthEmbed

__all__ = [
    "EMBEDDINGS",
    "BandAttentionEmbed",
    "BandEmbed",
    "DOFAEmbed",
    "PanopticonEmbed",
    "SpectralEarthEmbed",
    "SpectralStemEmbed",
    "WavelengthEmbed",
    "build_embedding",
    "embedding_of",
]
