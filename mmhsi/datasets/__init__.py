"""Datasets: scenes, tiles, splits, samplers, and the catalogue of public scenes."""

from . import transforms
from .catalogue import CATALOGUE, SceneInfo, scene_info
from .label_grid import majority_labels
from .labels import IGNORE_INDEX, LabelTable
from .samplers import SeededIndex, SeededSampler
from .scene_dataset import SceneDataset
from .splits import FewShotSplit, FileSplit, Split
from .tile_dataset import TileDataset

__all__ = [
    "CATALOGUE",
    "IGNORE_INDEX",
    "FewShotSplit",
    "FileSplit",
    "LabelTable",
    "SceneDataset",
    "SceneInfo",
    "SeededIndex",
    "SeededSampler",
    "Split",
    "TileDataset",
    "majority_labels",
    "scene_info",
    "transforms",
]
