"""Hyperspectral imagery for OpenMMLab: backbones, pretraining, segmentation, maps.

Importing this package alone loads nothing: registries import the modules they need when a config asks for them.
"""

from .version import __version__

__all__ = ["__version__"]
