"""Self-supervised pretraining algorithms."""

from .channel_prediction import ChannelPrediction
from .dino_masks import DINOMasking
from .dinov2 import DINOv2
from .imae import IMAE
from .imae_decoder import IMAEDecoder
from .lo_msst import LOMSST
from .lo_msst_decoder import LOMSSTDecoder
from .mae import MAE
from .mae_decoder import MAEDecoder
from .maest import MAEST
from .masked_pretraining import MaskedPretraining, Reconstruction
from .ss_mae import SSMAE
from .ss_mtr import SSMTr

__all__ = [
    "IMAE",
    "LOMSST",
    "MAE",
    "MAEST",
    "SSMAE",
    "ChannelPrediction",
    "DINOMasking",
    "DINOv2",
    "IMAEDecoder",
    "LOMSSTDecoder",
    "MAEDecoder",
    "MaskedPretraining",
    "Reconstruction",
    "SSMTr",
]
