"""Patch embedding whose weights are generated from the centres of the bands (DOFA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers.position import sinusoid_1d
from .base import CodedBandEmbed

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

    Xiong et al., Neural plasticity-inspired multimodal foundation model for Earth observation (DOFA), 2024. Ours differ
    from theirs (:class:`DOFAEmbed`) in that the bands are weighted by their share of the spectrum
    (:func:`~mmhsi.models.embeddings.bands.band_shares`), in the sum over bands and in the attention of the generator,
    so that a band that is there twice changes nothing and finer sampling of the same spectrum little; and in a code
    that is as smooth as spectra are.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        width: Width of the generator, even. Default 128.
        num_heads: Heads of its attention. Default 4.
        feedforward_channels: Hidden units of its layer. Default 512.

    Raises:
        ConfigError: If a size does not fit.
    """

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
        """Weights (d, C, p, p) and bias (d,) of the convolution.

        Args:
            wavelengths: Band centres in nm, C of them.
        """
        device, bands = self.bias_token.device, len(wavelengths)
        codes = self.code(self.codes(wavelengths).to(device))
        shares = self.shares(wavelengths)
        attend = None
        if shares is not None:
            # As keys all bands together weigh as much as the learned tokens, whatever their number.
            shares = shares.to(device)
            keys = torch.cat([shares.new_zeros(WEIGHT_TOKENS), (shares * WEIGHT_TOKENS).log(), shares.new_zeros(1)])
            attend = keys.expand(len(keys), -1)
        made = self.layer(torch.cat([self.weight_tokens, codes, self.bias_token])[None], src_mask=attend)[0]
        weight = self.to_weight(made[WEIGHT_TOKENS:-1] + codes) * self.scale
        if shares is not None:
            weight = weight * shares[:, None]
        weight = weight.view(bands, self.patch_size, self.patch_size, self.embed_dims).permute(3, 0, 1, 2)
        return weight.contiguous(), self.to_bias(made[-1]) * self.scale

    def embed(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Convolve; arguments as for :meth:`BandEmbed.embed`."""
        weight, bias = of_bands
        return F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), stride=self.patch_size, padding=self.margin)


@MODELS.register_module()
class DOFAEmbed(WavelengthEmbed):
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

    scale = 0.01
    margin = 1

    def __init__(
        self, embed_dims: int, patch_size: int, width: int = 128, num_heads: int = 4, feedforward_channels: int = 2048
    ) -> None:
        if patch_size < 3:
            raise ConfigError(f"DOFAEmbed: patch_size={patch_size} given, expected at least 3")
        super().__init__(embed_dims, patch_size, width, num_heads, feedforward_channels)

    def codes(self, wavelengths: Sequence[float]) -> Tensor:
        """Sinusoids of the centres in nm as they are, shape (C, width).

        Args:
            wavelengths: In nm, C of them.
        """
        return sinusoid_1d(torch.tensor(wavelengths), self.width)

    def shares(self, wavelengths: Sequence[float]) -> None:
        """None: bands are added up as they are.

        Args:
            wavelengths: In nm, C of them.
        """
