"""Masking strategies: which tokens or bands are hidden, independent of the algorithm that hides them."""

from .base import MaskingStrategy
from .random import RandomMasking

__all__ = ["MaskingStrategy", "RandomMasking"]
