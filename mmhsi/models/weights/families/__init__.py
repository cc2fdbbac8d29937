"""Public encoders of any sensor: one file a family, each with its layout, its facts, and the names of its weights."""

from .base import Family, PublicWeights
from .catalogue import FAMILIES, WEIGHTS, family_of, public_weights

__all__ = ["FAMILIES", "WEIGHTS", "Family", "PublicWeights", "family_of", "public_weights"]
