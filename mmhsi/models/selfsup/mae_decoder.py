"""Decoder of masked autoencoding on rectangular grids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.registry import MODELS

from ..embeddings.bands import wavelength_code
from ..layers import ViTLayer, fill_tokens, init_linear, patch_grid, resize_position_table, sinusoid_2d, take_tokens
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence

BASIS = 64
"""Spectra that a decoder of any bands mixes for every pixel."""


class SpectralBasis(nn.Module):
    """Spectra of any bands as mixtures of learned functions of the wavelength."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.functions = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

    def forward(self, amounts: Tensor, wavelengths: Sequence[float]) -> Tensor:
        """Mix (B, m, K · p · p) to (B, m, C · p · p).

        Args:
            amounts: Shape (B, m, K · p · p), function first.
            wavelengths: Band centres in nm, C of them.
        """
        code = wavelength_code(wavelengths, self.size, next(self.parameters()))
        basis = self.functions(code) * self.size**-0.5  # (C, K)
        return (basis @ amounts.unflatten(2, (self.size, -1))).flatten(2)


@MODELS.register_module()
class MAEDecoder(QuietInit):
    """Light transformer from visible tokens to the pixels of hidden patches (MAE, He et al. 2022).

    With mmpretrain's names of parameters; it predicts the pixels of the patches that are asked for instead of all.

    Args:
        in_channels: Bands C; of any bands not used.
        patch_size: p, in pixels.
        img_size: Side or (height, width), in pixels, that the position table is made for; others are interpolated.
        embed_dims: Width of the encoder's tokens.
        decoder_embed_dims: Width of the decoder. Default 512.
        depth: Layers. Default 8.
        num_heads: Heads. Default 16.
        any_bands: Whether bands are told by their centres with each call: their pixels are then mixtures of 64 learned
            functions of the wavelength. Default False; the algorithm sets it where the backbone takes any bands.
        init_cfg: mmengine's initialisation.
    """

    decoder_pos_embed: Tensor

    def __init__(
        self,
        in_channels: int,
        patch_size: int,
        img_size: int | tuple[int, int],
        embed_dims: int,
        decoder_embed_dims: int = 512,
        depth: int = 8,
        num_heads: int = 16,
        any_bands: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.grid = patch_grid(img_size, patch_size)
        self.decoder_embed = nn.Linear(embed_dims, decoder_embed_dims)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_embed_dims))
        sizes = decoder_embed_dims, num_heads, 4 * decoder_embed_dims
        self.decoder_blocks = nn.ModuleList(ViTLayer(*sizes) for _ in range(depth))
        self.ln1 = nn.LayerNorm(decoder_embed_dims, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_embed_dims, patch_size**2 * (BASIS if any_bands else in_channels))
        self.basis = SpectralBasis(BASIS) if any_bands else None
        positions = F.pad(self.positions(decoder_embed_dims), (0, 0, 1, 0))  # CLS, before the others, has none
        self.register_buffer("decoder_pos_embed", positions[None])
        init_linear(self)
        nn.init.normal_(self.mask_token, std=0.02)

    def positions(self, channels: int) -> Tensor:
        """Fixed positions of all patches, shape (h · w, channels).

        Args:
            channels: Width of the decoder.
        """
        return sinusoid_2d(*self.grid, channels)

    def table(self, grid: tuple[int, int], wavelengths: Sequence[float] | None) -> Tensor:
        """Positions (1, h · w, d) of all patches.

        Args:
            grid: (h, w) of them.
            wavelengths: As for :meth:`forward`.
        """
        return resize_position_table(self.decoder_pos_embed[:, 1:], self.grid, grid)

    def forward(
        self,
        latent: Tensor,
        visible: Tensor,
        wanted: Tensor,
        grid: tuple[int, int],
        wavelengths: Sequence[float] | None = None,
    ) -> Tensor:
        """Predict the pixels of patches.

        Args:
            latent: Encoded CLS and visible tokens, shape (B, 1 + n, d).
            visible: Grid indices of the visible tokens, shape (B, n).
            wanted: Grid indices of the patches to predict, shape (B, m).
            grid: (h, w) of all patches.
            wavelengths: Centres of the C bands in nm, for a decoder of any bands.

        Returns:
            Tensor of shape (B, m, C · p · p), ordered as :func:`mmhsi.models.layers.patchify`.
        """
        x = self.decoder_embed(latent)
        tokens = fill_tokens(x[:, 1:], visible, grid[0] * grid[1], self.mask_token)
        positions = self.table(grid, wavelengths)
        x = torch.cat([x[:, :1] + self.decoder_pos_embed[:, :1], tokens + positions], dim=1)
        for block in self.decoder_blocks:
            x = block(x)
        pixels = self.decoder_pred(self.ln1(take_tokens(x[:, 1:], wanted)))
        return pixels if self.basis is None or wavelengths is None else self.basis(pixels, wavelengths)
