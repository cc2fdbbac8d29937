"""Hyperspectral imagery for OpenMMLab: backbones, pretraining, segmentation, maps.

Importing this package alone loads nothing: registries import the modules they need when a config asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .estimator import SceneClassifier
    from .inference.scene_features import scene_features as features

__all__ = ["SceneClassifier", "__version__", "features"]


def __getattr__(name: str) -> object:
    if name == "SceneClassifier":
        from .estimator import SceneClassifier

        return SceneClassifier
    if name == "features":
        from .inference.scene_features import scene_features

        return scene_features
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
