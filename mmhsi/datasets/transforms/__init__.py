"""Transforms of N-band (H, W, C) arrays."""

from .band_augments import BandDropout, SpectralNoise, SpectralShift
from .cropping import CenterCrop, RandomResizedCrop, RandomWindow
from .formatting import PackTile
from .geometry import RandomDihedral, RandomFlip
from .loading import LoadCube, LoadLabels, RandomReadWindow
from .multi_view import MultiView, PackViews
from .padding import Pad
from .pca import PCAModel, PCAProject, fit_pca
from .photometric import BandJitter, GaussianBlur, Solarize
from .resampling import BandResample, SpectralResample
from .resizing import Resize
from .scaling import MinMaxScale, ScaleReflectance, Standardize, StandardizeScene, UnitSpectra
from .scene_channels import SceneChannels
from .spectral import RemoveBadBands, SelectBands

__all__ = [
    "BandDropout",
    "BandJitter",
    "BandResample",
    "CenterCrop",
    "GaussianBlur",
    "LoadCube",
    "LoadLabels",
    "MinMaxScale",
    "MultiView",
    "PCAModel",
    "PCAProject",
    "PackTile",
    "PackViews",
    "Pad",
    "RandomDihedral",
    "RandomFlip",
    "RandomReadWindow",
    "RandomResizedCrop",
    "RandomWindow",
    "RemoveBadBands",
    "Resize",
    "ScaleReflectance",
    "SceneChannels",
    "SelectBands",
    "Solarize",
    "SpectralNoise",
    "SpectralResample",
    "SpectralShift",
    "Standardize",
    "StandardizeScene",
    "UnitSpectra",
    "fit_pca",
]
