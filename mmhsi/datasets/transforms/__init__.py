"""Transforms of N-band (H, W, C) arrays."""

from .formatting import PackTile
from .geometry import RandomDihedral, RandomWindow
from .loading import LoadCube, LoadLabels

__all__ = ["LoadCube", "LoadLabels", "PackTile", "RandomDihedral", "RandomWindow"]
