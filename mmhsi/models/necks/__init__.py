"""Necks: from backbone maps to what a head takes."""

from .centre_context import CentreContext
from .learnable_aggregation import LearnableAggregation

__all__ = ["CentreContext", "LearnableAggregation"]
