"""Building blocks of the backbones: one idea a file."""

from .init import init_classifier, init_embedding, init_linear
from .patch_embed import PatchEmbed, pad_to_multiple, patch_grid, patchify, unpatchify
from .position import resize_position_table, sinusoid_1d, sinusoid_2d
from .prunable import PrunableLayers
from .tokens import Tokens, fill_tokens, mask_tokens, prepend_tokens, take_tokens
from .vit_layer import GatedFFN, SelfAttention, ViTLayer

__all__ = [
    "GatedFFN",
    "PatchEmbed",
    "PrunableLayers",
    "SelfAttention",
    "Tokens",
    "ViTLayer",
    "fill_tokens",
    "init_classifier",
    "init_embedding",
    "init_linear",
    "mask_tokens",
    "pad_to_multiple",
    "patch_grid",
    "patchify",
    "prepend_tokens",
    "resize_position_table",
    "sinusoid_1d",
    "sinusoid_2d",
    "take_tokens",
    "unpatchify",
]
