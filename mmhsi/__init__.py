"""Hyperspectral imagery for OpenMMLab: backbones, pretraining, segmentation, maps.

Importing this package is cheap: registries import the modules they need when a config asks for them.
"""

from mmengine.config.utils import MODULE2PACKAGE

from .version import __version__

# mmengine finds ``mmhsi::…`` (in ``_base_``, in mmengine.hub) for the packages of this table alone.
MODULE2PACKAGE["mmhsi"] = "mmhsi"

__all__ = ["__version__"]
