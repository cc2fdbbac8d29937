"""Decoder of instructional masked autoencoding (IMAE paper §2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.registry import MODELS

from ..backbones.imae_vit import ConditionalPosition
from ..backbones.vit_arch import resolve_arch, vit_layer
from ..layers import fill_tokens, init_linear
from ..quiet_init import QuietInit
from .mae_decoder import BASIS, SpectralBasis

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class IMAEDecoder(QuietInit):
    """Light transformer from visible tokens and the ins token to all pixels of a window and, once more, its centre.

    Hidden places are filled with one learned token. As in the encoder a depth-wise convolution of the filled map gives
    the positions, so that any window size works: a hidden pixel is told by its visible neighbours where it lies.

    Args:
        in_channels: Bands C; of any bands not used.
        embed_dims: Width of the encoder's tokens.
        decoder_embed_dims: Width of the decoder. Default 128, half of the paper's encoder.
        depth: Layers. Default 2.
        num_heads: Heads. Default 4.
        position_kernel: Odd side of the neighbourhood that a position term is made of. Default 3.
        any_bands: As for :class:`mmhsi.models.MAEDecoder`.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the width does not divide by the heads.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int,
        decoder_embed_dims: int = 128,
        depth: int = 2,
        num_heads: int = 4,
        position_kernel: int = 3,
        any_bands: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(
            {
                "embed_dims": decoder_embed_dims,
                "num_layers": depth,
                "num_heads": num_heads,
                "feedforward_channels": 4 * decoder_embed_dims,
            },
            "IMAEDecoder",
        )
        self.embed = nn.Linear(embed_dims, decoder_embed_dims)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_embed_dims))
        self.position = ConditionalPosition(decoder_embed_dims, position_kernel)
        self.layers = nn.Sequential(*(vit_layer(sizes) for _ in range(depth)))
        self.norm = nn.LayerNorm(decoder_embed_dims, eps=1e-6)
        values = BASIS if any_bands else in_channels
        self.to_pixels = nn.Linear(decoder_embed_dims, values)
        self.to_centre = nn.Linear(decoder_embed_dims, values)
        self.basis = SpectralBasis(BASIS) if any_bands else None
        init_linear(self)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(
        self,
        latent: Tensor,
        visible: Tensor,
        grid: tuple[int, int],
        wavelengths: Sequence[float] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predict spectra.

        Args:
            latent: Encoded ins token and visible tokens, shape (B, 1 + n, d).
            visible: Indices of the visible pixels, row-major, shape (B, n).
            grid: (H, W) of the window.
            wavelengths: Centres of the C bands in nm, for a decoder of any bands.

        Returns:
            Spectra of all pixels (B, H · W, C), and the ins token's of the centre (B, C).
        """
        x = self.embed(latent)
        tokens = fill_tokens(x[:, 1:], visible, grid[0] * grid[1], self.mask_token)
        position = self.position(tokens.transpose(1, 2).unflatten(2, grid)).flatten(2).transpose(1, 2)
        x = self.norm(self.layers(torch.cat([x[:, :1], tokens + position], dim=1)))
        pixels, centre = self.to_pixels(x[:, 1:]), self.to_centre(x[:, :1])
        if self.basis is not None and wavelengths is not None:
            pixels, centre = self.basis(pixels, wavelengths), self.basis(centre, wavelengths)
        return pixels, centre[:, 0]
