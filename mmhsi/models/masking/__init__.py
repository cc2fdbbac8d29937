"""Masking strategies: which tokens or bands are hidden, independent of the algorithm that hides them."""

from .base import BandMasking, Masking, TokenMasking, visible_first
from .blockwise import BlockwiseMasking
from .random import RandomMasking
from .spectral import MRSMasking, SpectralMasking
from .tube import TubeMasking

__all__ = [
    "BandMasking",
    "BlockwiseMasking",
    "MRSMasking",
    "Masking",
    "RandomMasking",
    "SpectralMasking",
    "TokenMasking",
    "TubeMasking",
    "visible_first",
]
