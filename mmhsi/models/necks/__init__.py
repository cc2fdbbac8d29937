"""Necks: from backbone maps to what a head takes."""

from .centre_context import CentreContext

__all__ = ["CentreContext"]
