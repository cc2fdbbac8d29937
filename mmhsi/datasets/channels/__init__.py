"""Channels made of a pixel's surroundings, one family a file, without labels."""

from .basis import Basis
from .finer import FinerMeans
from .group import ChannelGroup, Views
from .multiscale import MultiScale
from .profiles import MorphologicalProfiles, NormalizedProfiles
from .spectral import Components, Spectra
from .texture import FinerTexture
from .words import WordHistograms

__all__ = [
    "Basis",
    "ChannelGroup",
    "Components",
    "FinerMeans",
    "FinerTexture",
    "MorphologicalProfiles",
    "MultiScale",
    "NormalizedProfiles",
    "Spectra",
    "Views",
    "WordHistograms",
]
