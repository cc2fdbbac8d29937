"""Whole scenes in, georeferenced maps out."""

from .scene_inferencer import NO_CLASS, SceneInferencer

__all__ = ["NO_CLASS", "SceneInferencer"]
