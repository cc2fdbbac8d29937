"""Self-supervised algorithms: backbone + masking + decoder or heads + loss."""

from .mae import MAE
from .mae_decoder import MAEDecoder

__all__ = ["MAE", "MAEDecoder"]
