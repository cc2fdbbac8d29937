"""Self-supervised pretraining algorithms."""

from .mae import MAE
from .mae_decoder import MAEDecoder
from .masked_pretraining import MaskedPretraining, Reconstruction

__all__ = ["MAE", "MAEDecoder", "MaskedPretraining", "Reconstruction"]
