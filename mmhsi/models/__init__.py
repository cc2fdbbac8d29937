"""Models: preprocessors, backbones, self-supervised pretraining, heads."""

from .backbones import (
    CNN2D,
    CNN3D,
    SST,
    SSTN,
    ExViT,
    FreeNet,
    HiT,
    HSIViT,
    IMAEViT,
    MAESTViT,
    SpatialSpectralViT,
    SpectralCNN1D,
    SpectralRNN,
    SSMAEFusion,
    SSMAEViT,
)
from .classical import LDA, MLP, SVM, ClassicalClassifier, ExtraTrees, MeanOfLearners, RandomForest
from .classifiers import PixelClassifier
from .decode_heads import CNNHead, MultiscaleLinearHead, UNetHead
from .heads import DINOHead
from .losses import CrossEntropyLoss, DiceLoss, FocalLoss, Mask2FormerLoss
from .masking import BlockwiseMasking, MRSMasking, RandomMasking, SpectralMasking, TubeMasking
from .necks import CenterContext, LearnableAggregation
from .preprocessors import (
    BatchDihedral,
    BatchGainOffset,
    BatchNoise,
    ScenePreprocessor,
    TilePreprocessor,
    ViewPreprocessor,
    WindowSampler,
    attach_scenes,
)
from .rng import BatchRNG
from .segmentors import EncoderDecoder, Mask2Former
from .selfsup import (
    IMAE,
    LOMSST,
    MAE,
    MAEST,
    SSMAE,
    DINOMasking,
    DINOv2,
    IMAEDecoder,
    LOMSSTDecoder,
    MAEDecoder,
    MaskedPretraining,
    Reconstruction,
    SSMTr,
)
from .weights import load_weights, transfer_weights

__all__ = [
    "CNN2D",
    "CNN3D",
    "IMAE",
    "LDA",
    "LOMSST",
    "MAE",
<<<<<<< HEAD
    "MAEST",
    "SSMAE",
    "SST",
    "SSTN",
=======
    "MLP",
    "SSMAE",
    "SST",
    "SVM",
>>>>>>> main
    "BatchDihedral",
    "BatchGainOffset",
    "BatchNoise",
    "BatchRNG",
    "BlockwiseMasking",
    "CNNHead",
    "CenterContext",
    "ClassicalClassifier",
    "CrossEntropyLoss",
    "DINOHead",
    "DINOMasking",
    "DINOv2",
    "DiceLoss",
    "EncoderDecoder",
<<<<<<< HEAD
    "ExViT",
=======
    "ExtraTrees",
>>>>>>> main
    "FocalLoss",
    "FreeNet",
    "HSIViT",
    "HiT",
    "IMAEDecoder",
    "IMAEViT",
    "LOMSSTDecoder",
    "LearnableAggregation",
    "MAEDecoder",
    "MAESTViT",
    "MRSMasking",
    "Mask2Former",
    "Mask2FormerLoss",
    "MaskedPretraining",
    "MeanOfLearners",
    "MultiscaleLinearHead",
    "PixelClassifier",
    "RandomForest",
    "RandomMasking",
    "Reconstruction",
    "SSMAEFusion",
    "SSMAEViT",
    "SSMTr",
    "ScenePreprocessor",
    "SpatialSpectralViT",
    "SpectralCNN1D",
    "SpectralMasking",
    "SpectralRNN",
    "TilePreprocessor",
    "TubeMasking",
    "UNetHead",
    "ViewPreprocessor",
    "WindowSampler",
    "attach_scenes",
    "load_weights",
    "transfer_weights",
]
