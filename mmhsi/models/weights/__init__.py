"""Honest loading of weights, and carrying them over to other sensors."""

from .checkpoint import check_tensors, load_weights, read_checkpoint, strip_prefix, trusted_weights, write_checkpoint
from .hub import download_public
from .input_spec import checkpoint_spec
from .public_encoder import convert, expand_pretrained, named_weights, weights_file
from .public_layouts import PUBLIC_MODELS, public_state
from .spectral_weights import resample_band_weights
from .transfer import LoadReport, transfer_weights

__all__ = [
    "PUBLIC_MODELS",
    "LoadReport",
    "check_tensors",
    "checkpoint_spec",
    "convert",
    "download_public",
    "expand_pretrained",
    "load_weights",
    "named_weights",
    "public_state",
    "read_checkpoint",
    "resample_band_weights",
    "strip_prefix",
    "transfer_weights",
    "trusted_weights",
    "weights_file",
    "write_checkpoint",
]
