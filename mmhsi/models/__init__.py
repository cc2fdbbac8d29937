"""Models: preprocessors, backbones, self-supervised pretraining, heads.

What is built on mmseg's classes is imported when it is first asked for: with mmseg's models come those of scipy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import mmhsi.light_optimizers  # noqa: F401, before anything of mmengine

from .backbones import (
    CNN2D,
    CNN3D,
    SST,
    SSTN,
    ExViT,
    FreeNet,
    HiT,
    HSIViT,
    HyperSIGMAFusion,
    HyperSIGMASpatial,
    HyperSIGMASpectral,
    IMAEViT,
    MAESTViT,
    MultiScaleWindows,
    SpatialSpectralViT,
    SpectralCNN1D,
    SpectralRNN,
    SSMAEFusion,
    SSMAEViT,
    TwoSources,
)
from .classical import (
    LDA,
    MLP,
    PLS,
    SVM,
    ClassicalClassifier,
    ClassicalRegressor,
    ExtraTrees,
    ExtraTreesValues,
    MeanOfLearners,
    OnColumns,
    RandomForest,
    Ridge,
)
from .classifiers import PixelClassifier
from .heads import AbundanceHead, DINOHead, RegressionHead
from .losses import (
    AbsoluteErrorLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    GaussianNLLLoss,
    HuberLoss,
    Mask2FormerLoss,
    SquaredErrorLoss,
)
from .masking import BlockwiseMasking, MRSMasking, RandomMasking, SpectralMasking, TubeMasking
from .mean_of_classifiers import ClassifierMembers, MeanOfClassifiers
from .necks import CenterContext, LearnableAggregation, LevelProjection
from .preprocessors import (
    BatchBandDropout,
    BatchDihedral,
    BatchGainOffset,
    BatchNoise,
    ScenePreprocessor,
    SensorTilePreprocessor,
    SensorViewPreprocessor,
    TilePreprocessor,
    ViewPreprocessor,
    WindowSampler,
    attach_scenes,
)
from .presence import PresenceClassifier
from .regressors import PixelRegressor
from .rng import BatchRNG
from .selfsup import (
    IMAE,
    LOMSST,
    MAE,
    MAEST,
    SSMAE,
    ChannelPrediction,
    DINOMasking,
    DINOv2,
    IMAEDecoder,
    LOMSSTDecoder,
    MAEDecoder,
    MaskedPretraining,
    Reconstruction,
    SSMTr,
)
from .tile_regressor import TileRegressor
from .weights import load_weights, transfer_weights

if TYPE_CHECKING:
    from .decode_heads import CNNHead, MultiscaleLinearHead, TokenLinearHead, UNetHead
    from .segmentors import EncoderDecoder, Mask2Former

__all__ = [
    "CNN2D",
    "CNN3D",
    "IMAE",
    "LDA",
    "LOMSST",
    "MAE",
    "MAEST",
    "MLP",
    "PLS",
    "SSMAE",
    "SST",
    "SSTN",
    "SVM",
    "AbsoluteErrorLoss",
    "AbundanceHead",
    "BatchBandDropout",
    "BatchDihedral",
    "BatchGainOffset",
    "BatchNoise",
    "BatchRNG",
    "BlockwiseMasking",
    "CNNHead",
    "CenterContext",
    "ChannelPrediction",
    "ClassicalClassifier",
    "ClassicalRegressor",
    "ClassifierMembers",
    "CrossEntropyLoss",
    "DINOHead",
    "DINOMasking",
    "DINOv2",
    "DiceLoss",
    "EncoderDecoder",
    "ExViT",
    "ExtraTrees",
    "ExtraTreesValues",
    "FocalLoss",
    "FreeNet",
    "GaussianNLLLoss",
    "HSIViT",
    "HiT",
    "HuberLoss",
    "HyperSIGMAFusion",
    "HyperSIGMASpatial",
    "HyperSIGMASpectral",
    "IMAEDecoder",
    "IMAEViT",
    "LOMSSTDecoder",
    "LearnableAggregation",
    "LevelProjection",
    "MAEDecoder",
    "MAESTViT",
    "MRSMasking",
    "Mask2Former",
    "Mask2FormerLoss",
    "MaskedPretraining",
    "MeanOfClassifiers",
    "MeanOfLearners",
    "MultiScaleWindows",
    "MultiscaleLinearHead",
    "OnColumns",
    "PixelClassifier",
    "PixelRegressor",
    "PresenceClassifier",
    "RandomForest",
    "RandomMasking",
    "Reconstruction",
    "RegressionHead",
    "Ridge",
    "SSMAEFusion",
    "SSMAEViT",
    "SSMTr",
    "ScenePreprocessor",
    "SensorTilePreprocessor",
    "SensorViewPreprocessor",
    "SpatialSpectralViT",
    "SpectralCNN1D",
    "SpectralMasking",
    "SpectralRNN",
    "SquaredErrorLoss",
    "TilePreprocessor",
    "TileRegressor",
    "TokenLinearHead",
    "TubeMasking",
    "TwoSources",
    "UNetHead",
    "ViewPreprocessor",
    "WindowSampler",
    "attach_scenes",
    "load_weights",
    "transfer_weights",
]


def __getattr__(name: str) -> Any:
    if name in ("CNNHead", "MultiscaleLinearHead", "TokenLinearHead", "UNetHead"):
        return getattr(import_module(".decode_heads", __name__), name)
    if name in ("EncoderDecoder", "Mask2Former"):
        return getattr(import_module(".segmentors", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
