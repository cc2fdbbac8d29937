"""Helpers around models."""

from .checkpoint import load_weights, read_checkpoint, strip_prefix

__all__ = ["load_weights", "read_checkpoint", "strip_prefix"]
