"""From files to a map that can be defended, without a config."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import SceneClassifier
    from .report import ClassRow, SceneReport, Share
    from .result import SceneResult

_MODULES = dict(
    SceneClassifier="classifier", ClassRow="report", SceneReport="report", Share="report", SceneResult="result"
)
__all__ = ["ClassRow", "SceneClassifier", "SceneReport", "SceneResult", "Share"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:  # when asked for: the names of the candidates are known without what learns
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
