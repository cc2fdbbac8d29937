"""Whole scenes in, georeferenced maps out."""

from .checks import SceneWarning
from .quicklook import save_quicklook
from .scene_inferencer import SceneInferencer
from .writers import NO_CLASS

__all__ = ["NO_CLASS", "SceneInferencer", "SceneWarning", "save_quicklook"]
