"""Necks: from backbone maps to what a head takes."""

from .center_context import CenterContext
from .learnable_aggregation import LearnableAggregation

__all__ = ["CenterContext", "LearnableAggregation"]
