"""Honest loading of weights, and carrying them over to other sensors."""

from .checkpoint import load_weights, read_checkpoint, strip_prefix, trusted_weights, write_checkpoint
from .input_spec import checkpoint_spec
from .public_encoder import convert, expand_pretrained
from .public_layouts import PUBLIC_MODELS, public_state
from .spectral_weights import resample_band_weights
from .transfer import LoadReport, transfer_weights

__all__ = [
    "PUBLIC_MODELS",
    "LoadReport",
    "checkpoint_spec",
    "convert",
    "expand_pretrained",
    "load_weights",
    "public_state",
    "read_checkpoint",
    "resample_band_weights",
    "strip_prefix",
    "transfer_weights",
    "trusted_weights",
    "write_checkpoint",
]
