"""Building blocks of the backbones: one idea a file."""

from .init import init_linear
from .patch_embed import PatchEmbed, pad_to_multiple, patchify, unpatchify
from .position import resize_position_table, sinusoid_1d, sinusoid_2d
from .prunable import PrunableLayers

__all__ = [
    "PatchEmbed",
    "PrunableLayers",
    "init_linear",
    "pad_to_multiple",
    "patchify",
    "resize_position_table",
    "sinusoid_1d",
    "sinusoid_2d",
    "unpatchify",
]
