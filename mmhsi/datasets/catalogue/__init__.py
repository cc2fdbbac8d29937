"""Public facts of data sets: the one place that loaders, configs, the downloader, docs and tests read."""

from .info import RGB, ArchiveMember, CorpusScene, Form, RemoteFile, SceneInfo, TileSubset
from .lookup import CATALOGUE, scene_info, unknown_name
from .nominal import NOMINAL, nominal_centres

__all__ = [
    "CATALOGUE",
    "NOMINAL",
    "RGB",
    "ArchiveMember",
    "CorpusScene",
    "Form",
    "RemoteFile",
    "SceneInfo",
    "TileSubset",
    "nominal_centres",
    "scene_info",
    "unknown_name",
]
