"""From raw integers to normalised float tensors, on the device."""

from .band_preprocessor import BandPreprocessor, fit_preprocessor
from .batch_augments import (
    BatchBandDropout,
    BatchDihedral,
    BatchGainOffset,
    BatchNoise,
    dihedral,
    finer_order,
    symmetries,
    undo_dihedral,
)
from .finer_pixels import pack_scene, pool_scene
from .scene_preprocessor import ScenePreprocessor, attach_scenes
from .sensor_preprocessors import SensorTilePreprocessor, SensorViewPreprocessor
from .tile_preprocessor import TilePreprocessor
from .view_preprocessor import ViewPreprocessor
from .window_sampler import WindowSampler, gather_windows

__all__ = [
    "BandPreprocessor",
    "BatchBandDropout",
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
    "finer_order",
    "fit_preprocessor",
    "gather_windows",
    "pack_scene",
    "pool_scene",
    "symmetries",
    "undo_dihedral",
]
