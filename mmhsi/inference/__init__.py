"""Whole scenes in, georeferenced maps out."""

from .checks import SceneWarning
from .products import NO_CLASS
from .quicklook import save_quicklook
from .scene_inferencer import SceneInferencer

__all__ = ["NO_CLASS", "SceneInferencer", "SceneWarning", "save_quicklook"]
