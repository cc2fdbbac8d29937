"""Heads of self-supervised algorithms, and of values."""

from .abundance_head import AbundanceHead
from .dino_head import DINOHead
from .regression_head import RegressionHead

__all__ = ["AbundanceHead", "DINOHead", "RegressionHead"]
