"""Necks: from backbone maps to what a head takes."""

from .center_context import CenterContext
from .learnable_aggregation import LearnableAggregation
from .level_projection import LevelProjection

__all__ = ["CenterContext", "LearnableAggregation", "LevelProjection"]
