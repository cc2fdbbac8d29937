"""Datasets: scenes, tiles, corpora, splits, samplers, and the catalogue of public scenes."""

from . import transforms
from .catalogue import CATALOGUE, SceneInfo, scene_info
from .concat_dataset import ConcatDataset
from .corpus_dataset import CorpusDataset
from .label_grid import majority_labels
from .label_table import IGNORE_INDEX, LabelTable
from .mixed_dataset import MixedDataset
from .pixel_samples import PixelSamples, collate_pixels
from .samplers import (
    MultiSizeBatchSampler,
    SeededIndex,
    SeededInfiniteSampler,
    SeededSampler,
    SensorBatchSampler,
    SizedIndex,
)
from .scene_dataset import SceneDataset
from .scene_values import SceneValueDataset
from .splits import (
    DisjointSplit,
    FewShotSplit,
    FileSplit,
    FractionSplit,
    MapSplit,
    PairSplit,
    PublishedSplit,
    Split,
    TileSplit,
    assert_disjoint,
    leakage,
    save_split,
    split_tiles,
)
from .tile_dataset import TileDataset
from .tile_values import TileValueDataset
from .whole_scene import WholeSceneDataset
from .window_values import WindowValueDataset

__all__ = [
    "CATALOGUE",
    "IGNORE_INDEX",
    "ConcatDataset",
    "CorpusDataset",
    "DisjointSplit",
    "FewShotSplit",
    "FileSplit",
    "FractionSplit",
    "LabelTable",
    "MapSplit",
    "MixedDataset",
    "MultiSizeBatchSampler",
    "PairSplit",
    "PixelSamples",
    "PublishedSplit",
    "SceneDataset",
    "SceneInfo",
    "SceneValueDataset",
    "SeededIndex",
    "SeededInfiniteSampler",
    "SeededSampler",
    "SensorBatchSampler",
    "SizedIndex",
    "Split",
    "TileDataset",
    "TileSplit",
    "TileValueDataset",
    "WholeSceneDataset",
    "WindowValueDataset",
    "assert_disjoint",
    "collate_pixels",
    "leakage",
    "majority_labels",
    "save_split",
    "scene_info",
    "split_tiles",
    "transforms",
]
