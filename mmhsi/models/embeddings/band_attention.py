"""Patch embedding by attention over the bands of each patch (Panopticon, CARL)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.registry import MODELS

from .bands import kept_like
from .base import CodedBandEmbed, PublishedFacts

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class BandAttentionEmbed(CodedBandEmbed):
    """A learned query attends to the bands of each patch, which carry codes of their centres.

    Waldmann et al., Panopticon: advancing any-sensor foundation models for Earth observation, 2025. Every band's p × p
    pixels become a vector by one map for all bands, the code of the centre is added, keys and values are linear in it.
    Nothing in between bends, so the maps are multiplied out first: scores come from the pixels directly, values from
    their means under the attention. No vector a band and patch is ever made; the result is the same and costs, at 202
    bands and Panopticon's sizes, a three-thousandth.

    Ours differ from theirs (:class:`PanopticonEmbed`) in that attention weighs bands by their share of the spectrum
    (:func:`~mmhsi.models.embeddings.bands.band_shares`), so that a band that is there twice changes nothing, and in a
    code that is as smooth as spectra are.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        width: Width of the attention, even. Default 256.
        num_heads: Heads. Default 8.

    Raises:
        ConfigError: If a size does not fit.
    """

    def __init__(self, embed_dims: int, patch_size: int, width: int = 256, num_heads: int = 8) -> None:
        super().__init__(embed_dims, patch_size, width, num_heads)
        self.num_heads = num_heads
        self.pixels = nn.Linear(patch_size**2, width)
        self.query = nn.Parameter(torch.randn(1, 1, width))
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.projection = nn.Linear(width, embed_dims)

    def of_bands(self, wavelengths: Sequence[float]) -> tuple[Tensor, ...]:
        """The maps multiplied out, of H heads of width e; arguments as for :meth:`BandEmbed.of_bands`.

        Returns:
            Scores of pixels (p · p, H) and of bands (H, C), values of pixels (H, p · p, e) and of bands (H, C, e).
        """
        head = self.width // self.num_heads
        codes, shares = kept_like(self.facts, tuple(wavelengths), self.width, like=self.query)
        bands = codes + self.pixels.bias  # (C, D)
        query = (self.query.view(self.num_heads, head) * head**-0.5)[:, None]  # (H, 1, e)
        asked = (query @ self.key.weight.view(self.num_heads, head, -1))[:, 0]  # (H, D)
        scores = asked @ bands.T + shares.log()
        value = self.value.weight.view(self.num_heads, head, -1).transpose(1, 2)  # (H, D, e)
        return (asked @ self.pixels.weight).T, scores, self.pixels.weight.T @ value, bands @ value

    def embed(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Attend; arguments as for :meth:`BandEmbed.embed`."""
        pixel_scores, band_scores, pixel_values, band_values = (tensor.to(x.dtype) for tensor in of_bands)
        batch, bands, height, width = x.shape
        p = self.patch_size
        grid = (height // p, width // p)
        patches = x.reshape(batch, bands, grid[0], p, grid[1], p).permute(0, 2, 4, 1, 3, 5)
        patches = patches.reshape(-1, bands, p * p)  # (B·N, C, p·p)
        attention = ((patches @ pixel_scores).transpose(1, 2) + band_scores).softmax(dim=2)  # (B·N, H, C)
        means = (attention @ patches).transpose(0, 1)  # (H, B·N, p·p)
        seen = means @ pixel_values + attention.transpose(0, 1) @ band_values  # (H, B·N, e)
        tokens = self.projection(seen.transpose(0, 1).flatten(1))
        return tokens.view(batch, *grid, -1).permute(0, 3, 1, 2)


@MODELS.register_module()
class PanopticonEmbed(PublishedFacts, BandAttentionEmbed):
    """Panopticon's embedding as published, for its weights (``panopticon-vit-b``).

    Bands count equally, their codes are sinusoids of the centres in nm. Its channels of radar are left out.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        width: Width of the attention. Default 2304.
        num_heads: Heads. Default 16.

    Raises:
        ConfigError: If a size does not fit.
    """

    def __init__(self, embed_dims: int, patch_size: int, width: int = 2304, num_heads: int = 16) -> None:
        super().__init__(embed_dims, patch_size, width, num_heads)
