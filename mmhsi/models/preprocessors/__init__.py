"""From raw integers to normalised float tensors, on the device."""

from .band_preprocessor import BandPreprocessor, fit_preprocessor
from .batch_augments import BatchDihedral, BatchGainOffset, BatchNoise, dihedral, symmetries, undo_dihedral
from .scene_preprocessor import ScenePreprocessor, attach_scenes, pool_scene
from .sensor_preprocessors import SensorTilePreprocessor, SensorViewPreprocessor
from .tile_preprocessor import TilePreprocessor
from .view_preprocessor import ViewPreprocessor
from .window_sampler import WindowSampler, gather_windows

__all__ = [
    "BandPreprocessor",
    "BatchDihedral",
    "BatchGainOffset",
    "BatchNoise",
    "ScenePreprocessor",
    "SensorTilePreprocessor",
    "SensorViewPreprocessor",
    "TilePreprocessor",
    "ViewPreprocessor",
    "WindowSampler",
    "attach_scenes",
    "dihedral",
    "fit_preprocessor",
    "gather_windows",
    "pool_scene",
    "symmetries",
    "undo_dihedral",
]
