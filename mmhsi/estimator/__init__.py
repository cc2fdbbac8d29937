"""From files to a map that can be defended, without a config."""

from .classifier import SceneClassifier
from .report import ClassRow, SceneReport, Share
from .result import SceneResult

__all__ = ["ClassRow", "SceneClassifier", "SceneReport", "SceneResult", "Share"]
