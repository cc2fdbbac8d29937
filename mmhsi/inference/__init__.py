"""Whole scenes in, georeferenced maps out.

Importing this package alone loads nothing: of thousands of finished scenes a start reads no more than the records.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks import SceneWarning
    from .quicklook import save_quicklook
    from .scene_inferencer import SceneInferencer
    from .writers import NO_CLASS

__all__ = ["NO_CLASS", "SceneInferencer", "SceneWarning", "save_quicklook"]

_MODULES = {
    "NO_CLASS": "writers",
    "SceneInferencer": "scene_inferencer",
    "SceneWarning": "checks",
    "save_quicklook": "quicklook",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
