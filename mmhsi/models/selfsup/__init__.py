"""Self-supervised pretraining algorithms."""

from .lo_msst import LOMSST
from .lo_msst_decoder import LOMSSTDecoder
from .mae import MAE
from .mae_decoder import MAEDecoder
from .masked_pretraining import MaskedPretraining, Reconstruction

__all__ = ["LOMSST", "MAE", "LOMSSTDecoder", "MAEDecoder", "MaskedPretraining", "Reconstruction"]
