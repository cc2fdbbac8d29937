"""Models: preprocessors, backbones, masked pretraining, heads."""

from .backbones import SST, HSIViT, SpatialSpectralViT
from .classifiers import PixelClassifier
from .decode_heads import CNNHead, MultiscaleLinearHead
from .masking import BlockwiseMasking, MRSMasking, RandomMasking, SpectralMasking, TubeMasking
from .necks import CentreContext
from .preprocessors import BatchDihedral, BatchGainOffset, BatchNoise, ScenePreprocessor, TilePreprocessor
from .selfsup import LOMSST, MAE, LOMSSTDecoder, MAEDecoder
from .utils import load_weights, transfer_weights

__all__ = [
    "LOMSST",
    "MAE",
    "SST",
    "BatchDihedral",
    "BatchGainOffset",
    "BatchNoise",
    "BlockwiseMasking",
    "CNNHead",
    "CentreContext",
    "HSIViT",
    "LOMSSTDecoder",
    "MAEDecoder",
    "MRSMasking",
    "MultiscaleLinearHead",
    "PixelClassifier",
    "RandomMasking",
    "ScenePreprocessor",
    "SpatialSpectralViT",
    "SpectralMasking",
    "TilePreprocessor",
    "TubeMasking",
    "load_weights",
    "transfer_weights",
]
