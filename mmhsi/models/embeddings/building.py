"""Embeddings by the short names that backbones take."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_attention import BandAttentionEmbed
from .base import BandEmbed
from .spectral_stem import SpectralStemEmbed
from .wavelength import WavelengthEmbed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

EMBEDDINGS: dict[str, type[BandEmbed]] = {
    "wavelength": WavelengthEmbed,
    "spectral-stem": SpectralStemEmbed,
    "band-attention": BandAttentionEmbed,
}
"""Those that take any bands; ``'fixed'`` is :class:`mmhsi.models.layers.PatchEmbed`."""


def build_embedding(
    owner: str,
    embedding: str | Mapping[str, object],
    embed_dims: int,
    patch_size: int,
    wavelengths: Sequence[float] | None,
) -> BandEmbed | None:
    """Build the patch embedding that a backbone's argument names.

    Args:
        owner: The backbone, for messages.
        embedding: ``'fixed'``, one of :data:`EMBEDDINGS`, or the config of a registered one without the sizes below.
        embed_dims: Token width d.
        patch_size: p, in pixels.
        wavelengths: Centres in nm of the backbone's own bands, or None.

    Returns:
        The embedding; None for ``'fixed'``, whose weights are those of certain bands.

    Raises:
        ConfigError: If the name is unknown, the config is of something else, or the bands cannot be embedded.
    """
    if isinstance(embedding, str):
        check_choice(owner, "embedding", embedding, ("fixed", *EMBEDDINGS))
        if embedding == "fixed":
            return None
        built = EMBEDDINGS[embedding](embed_dims, patch_size)
    else:
        built = MODELS.build(dict(embedding), default_args=dict(embed_dims=embed_dims, patch_size=patch_size))
        if not isinstance(built, BandEmbed):
            raise ConfigError(f"{owner}: embedding.type={embedding['type']!r} is no embedding of any bands")
    if wavelengths is not None:
        built.checked(wavelengths, len(wavelengths))
    return built


def embedding_of(state: Mapping[str, Tensor]) -> tuple[str, int | None] | None:
    """Recognise a backbone's patch embedding by its weights.

    Args:
        state: Of the backbone, under the names here.

    Returns:
        Its name and the side of a patch in pixels, None where the sides of a fixed one's patches differ; None of
        weights that are of none of them.
    """
    names = ("to_weight.weight", "to_bias.bias", "pixels.weight", "stem.convs.0.weight", "projection.weight")
    found = (state.get(f"patch_embed.{name}") for name in names)
    generated, bias, pixels, stem, projection = (None if one is None or not one.numel() else one for one in found)
    if generated is not None and bias is not None and generated.ndim and bias.ndim:
        return "wavelength", isqrt(len(generated) // len(bias))
    if pixels is not None and pixels.ndim:
        return "band-attention", isqrt(pixels.shape[-1])
    if projection is None or projection.ndim != 4:
        return None
    height, width = projection.shape[2:]
    return "fixed" if stem is None else "spectral-stem", height if height == width else None
