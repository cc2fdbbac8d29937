"""Patch embedding whose weights are generated from the centres of the bands (DOFA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers.patch_embed import patchify
from ..layers.tokens import take_tokens
from .bands import kept_like
from .base import CodedBandEmbed, PublishedFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

WEIGHT_TOKENS = 128
"""Learned tokens beside those of the bands, as many as in DOFA's public code."""


class Residual(nn.Module):
    """Two linear maps with ReLU beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, width) to the same shape.

        Args:
            x: Shape (…, width).
        """
        return x + F.relu(self.second(F.relu(self.first(x))))


@MODELS.register_module()
class WavelengthEmbed(CodedBandEmbed):
    """A hypernetwork makes each band's p × p × d weights of its centre, seen beside the centres of all others.

    Xiong et al., Neural plasticity-inspired multimodal foundation model for Earth observation (DOFA), 2024. As in their
    public code nothing is made of the bands' widths. Ours differ from theirs (:class:`DOFAEmbed`) in that the bands are
    weighted by their share of the spectrum (:func:`~mmhsi.models.embeddings.bands.band_shares`), in the sum over bands
    and in the attention of the generator, so that a band that is there twice changes nothing and finer sampling of the
    same spectrum little; and in a code that is as smooth as spectra are.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        width: Width of the generator, even. Default 128.
        num_heads: Heads of its attention. Default 4.
        feedforward_channels: Hidden units of its layer. Default 512.

    Raises:
        ConfigError: If a size does not fit.
    """

    weighted: bool = True
    scale: float = 1.0
    margin: int = 0

    def __init__(
        self, embed_dims: int, patch_size: int, width: int = 128, num_heads: int = 4, feedforward_channels: int = 512
    ) -> None:
        super().__init__(embed_dims, patch_size, width, num_heads)
        self.code = Residual(width)
        self.weight_tokens = nn.Parameter(torch.empty(WEIGHT_TOKENS, width))
        self.bias_token = nn.Parameter(torch.empty(1, width))
        self.layer = nn.TransformerEncoderLayer(
            width, num_heads, feedforward_channels, dropout=0.0, activation="gelu", batch_first=True
        )
        self.to_weight = nn.Linear(width, patch_size**2 * embed_dims)
        self.to_bias = nn.Linear(width, embed_dims)
        nn.init.normal_(self.weight_tokens, std=0.02)
        nn.init.normal_(self.bias_token, std=0.02)

    def of_bands(self, wavelengths: Sequence[float]) -> tuple[Tensor, ...]:
        """Map (C · p · p, d) and bias (d,) of patches, and what the bands are multiplied by before, (C, 1, 1).

        The arguments are as for :meth:`BandEmbed.of_bands`.
        """
        codes, shares = kept_like(self.facts, tuple(wavelengths), self.width, like=self.bias_token)
        codes, attend = self.code(codes), None
        if self.weighted:
            # As keys all bands together weigh as much as the learned tokens, whatever their number.
            keys = F.pad((shares * WEIGHT_TOKENS).log(), (WEIGHT_TOKENS, 1))
            attend = keys.expand(len(keys), -1)
        made = self._attend(torch.cat([self.weight_tokens, codes, self.bias_token]), attend)
        weight = self.to_weight(made[WEIGHT_TOKENS:-1] + codes)  # (C, p·p·d): the map, as it lies in memory
        return weight.view(-1, self.embed_dims), self.to_bias(made[-1]) * self.scale, shares[:, None, None] * self.scale

    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The layer on (L, width), a mask (L, L) added to its scores.

        Step by step: without gradients torch has a way of its own for such a layer, which takes any number of a mask
        that is not 0 for "hidden".
        """
        layer, attention = self.layer, self.layer.self_attn
        heads = (x.shape[0], 3, attention.num_heads, -1)
        queries, keys, values = (
            F.linear(x, attention.in_proj_weight, attention.in_proj_bias).view(heads).permute(1, 2, 0, 3)
        )
        seen = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)  # (heads, L, width / heads)
        x = layer.norm1(x + attention.out_proj(seen.transpose(0, 1).flatten(1)))
        return layer.norm2(x + layer.linear2(F.gelu(layer.linear1(x))))

    def embed(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Map patches; arguments as for :meth:`BandEmbed.embed`.

        One product with the map as it was made: a convolution would want it in another order, a copy in every step
        there and back. Images are smaller than the map, and have no gradient: so they are multiplied.
        """
        weight, bias, factor = of_bands
        p, x = self.patch_size, F.pad(x * factor, (self.margin,) * 4)
        grid = (x.shape[2] // p, x.shape[3] // p)
        patches = patchify(x[..., : grid[0] * p, : grid[1] * p], p)
        return F.linear(patches, weight.T, bias).transpose(1, 2).unflatten(2, grid)


@MODELS.register_module()
class DOFAEmbed(PublishedFacts, WavelengthEmbed):
    """DOFA's embedding as published, for its weights (``dofa-vit-b``, ``dofa-vit-l``).

    Bands are added up unweighted, their weights are a hundredth of what the generator gives, and the image has a border
    of one pixel of zeros before it is cut: patches lie one pixel up and left. Features are those of torchgeo's code.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels, at least 3.
        width: Width of the generator. Default 128.
        num_heads: Heads of its attention. Default 4.
        feedforward_channels: Hidden units of its layer. Default 2048.

    Raises:
        ConfigError: If a size does not fit.
    """

    weighted = False
    scale = 0.01
    margin = 1

    def __init__(
        self, embed_dims: int, patch_size: int, width: int = 128, num_heads: int = 4, feedforward_channels: int = 2048
    ) -> None:
        if patch_size < 3:
            raise ConfigError(f"DOFAEmbed: patch_size={patch_size} given, expected at least 3")
        super().__init__(embed_dims, patch_size, width, num_heads, feedforward_channels)

    def some(self, x: Tensor, chosen: Tensor, wavelengths: Sequence[float]) -> Tensor:
        """All are embedded, as patches reach into their neighbours; arguments as for :meth:`BandEmbed.some`."""
        return take_tokens(self(x, wavelengths)[0], chosen)
