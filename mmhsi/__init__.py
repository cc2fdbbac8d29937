"""Hyperspectral imagery for OpenMMLab: backbones, pretraining, segmentation, maps.

Importing this package alone loads nothing: registries import the modules they need when a config asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .estimator import SceneClassifier

__all__ = ["SceneClassifier", "__version__"]


def __getattr__(name: str) -> object:
    if name == "SceneClassifier":
        from .estimator import SceneClassifier

        return SceneClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
