"""Public facts of data sets: the one place that loaders, configs, the downloader, docs and tests read."""

from .info import RGB, ArchiveMember, CorpusScene, Form, RemoteFile, SceneInfo, TileSubset
from .lookup import CATALOGUE, scene_info, unknown_name

__all__ = [
    "CATALOGUE",
    "RGB",
    "ArchiveMember",
    "CorpusScene",
    "Form",
    "RemoteFile",
    "SceneInfo",
    "TileSubset",
    "scene_info",
    "unknown_name",
]
