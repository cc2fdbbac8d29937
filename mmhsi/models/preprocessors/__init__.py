"""From raw integers to normalised float tensors, on the device."""

from .band_preprocessor import BandPreprocessor, fit_preprocessor
from .batch_augments import BatchDihedral, BatchGainOffset, BatchNoise, dihedral, symmetries
from .scene_preprocessor import ScenePreprocessor, gather_windows, normalise_scene, pool_scene
from .tile_preprocessor import TilePreprocessor
from .view_preprocessor import ViewPreprocessor

__all__ = [
    "BandPreprocessor",
    "BatchDihedral",
    "BatchGainOffset",
    "BatchNoise",
    "ScenePreprocessor",
    "TilePreprocessor",
    "ViewPreprocessor",
    "dihedral",
    "fit_preprocessor",
    "gather_windows",
    "normalise_scene",
    "pool_scene",
    "symmetries",
]
