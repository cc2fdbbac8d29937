"""Heads of self-supervised algorithms, and of values."""

from .dino_head import DINOHead
from .regression_head import RegressionHead

__all__ = ["DINOHead", "RegressionHead"]
