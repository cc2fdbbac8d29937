"""Spatial-spectral masked autoencoder (SS-MAE; MRS paper §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..backbones.ss_mae_vit import SSMAEViT
from ..embeddings.bands import wavelength_code
from ..layers import sinusoid_1d, unpatchify
from ..losses import counted_mean
from ..masking import BandMasking, TokenMasking, visible_first
from ..rng import BatchRNG
from .mae_decoder import MAEDecoder
from .masked_pretraining import MaskedPretraining, Reconstruction

if TYPE_CHECKING:
    from collections.abc import Sequence


class RowDecoder(MAEDecoder):
    """:class:`MAEDecoder` whose N patches lie in a row, with fixed 1-D sinusoidal positions; arguments as for it."""

    def positions(self, channels: int) -> Tensor:
        """Fixed positions of the row, shape (N, channels); arguments as for :meth:`MAEDecoder.positions`."""
        return sinusoid_1d(torch.arange(self.grid[0] * self.grid[1]), channels)

    def decode(
        self, latent: Tensor, visible: Tensor, grid: tuple[int, int], wavelengths: Sequence[float] | None = None
    ) -> Tensor:
        """Predict the values of all tokens.

        Args:
            latent: Encoded CLS and visible tokens, shape (B, 1 + n, d).
            visible: Indices of the visible tokens, shape (B, n).
            grid: (h, w) with N = h · w.
            wavelengths: Centres of the bands in nm, for a decoder of any bands.

        Returns:
            float32 tensor of shape (B, N, k), k the values of a token.
        """
        everything = torch.arange(grid[0] * grid[1], device=latent.device).expand(len(latent), -1)
        return self(latent, visible, everything, grid, wavelengths).float()


class BandDecoder(RowDecoder):
    """:class:`RowDecoder` of bands that are told by their centres, any number of them."""

    def positions(self, channels: int) -> Tensor:
        """None that are fixed, shape (0, channels); arguments as for :meth:`MAEDecoder.positions`."""
        return torch.zeros(0, channels)

    def table(self, grid: tuple[int, int], wavelengths: Sequence[float] | None) -> Tensor:
        """Codes (1, C, d) of the centres; arguments as for :meth:`MAEDecoder.table`."""
        code = wavelength_code(wavelengths or (), self.mask_token.shape[-1], self.mask_token)
        return code[None]


def hidden_error(made: Reconstruction) -> Tensor:
    """Mean squared error over the hidden values of valid pixels.

    Returns:
        Scalar.
    """
    weight = made.hidden if made.valid is None else made.hidden & made.valid[:, None]
    return counted_mean((made.prediction - made.target).square(), weight)


@MODELS.register_module()
class SSMAE(MaskedPretraining):
    """Hide pixels from one branch and bands from the other, and reconstruct both.

    The spatial branch sees the visible pixels in all bands, the spectral branch the visible bands of all pixels; each
    has a light decoder of its own. Bands of a second source (``second='concat'`` of the preprocessor) are hidden and
    reconstructed like the cube's.

    Args:
        backbone: Config of a :class:`mmhsi.models.SSMAEViT`; of any bands, bands are predicted by their centres.
        spatial_masking: Config of a strategy over tokens. Default: random, 30 %.
        spectral_masking: Config of a strategy over bands, ``'SpectralMasking'`` or ``'MRSMasking'``, which hide the
            same number. Default: random, 30 %.
        decoder_embed_dims: Width of the decoders. Default 256.
        decoder_depth: Their layers. Default 2.
        decoder_num_heads: Their heads. Default 8.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone or a strategy is of another kind, or everything or nothing would be hidden.
    """

    def __init__(
        self,
        backbone: dict,
        spatial_masking: dict | None = None,
        spectral_masking: dict | None = None,
        decoder_embed_dims: int = 256,
        decoder_depth: int = 2,
        decoder_num_heads: int = 8,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        if not isinstance(self.backbone, SSMAEViT):
            raise ConfigError(f"SSMAE: backbone={backbone['type']} given, expected SSMAEViT")
        encoder = self.backbone
        if decoder_embed_dims % decoder_num_heads or decoder_embed_dims % 4:
            raise ConfigError(
                f"SSMAE: decoder_embed_dims={decoder_embed_dims} must divide by decoder_num_heads={decoder_num_heads} "
                "and by 4"
            )
        self.spatial_masking = MASKING.build(spatial_masking or dict(type="RandomMasking", ratio=0.3))
        self.check_masking(self.spatial_masking, TokenMasking, "spatial_masking")
        self.spectral_masking = MASKING.build(spectral_masking or dict(type="SpectralMasking", ratio=0.3))
        self.check_masking(self.spectral_masking, BandMasking, "spectral_masking")
        pixels, bands, any_bands = encoder.grid[0] * encoder.grid[1], encoder.in_channels, encoder.any_bands
        self.visible_pixels = self.visible_count(self.spatial_masking, pixels, "tokens", "spatial_masking")
        if not any_bands:
            self.visible_count(self.spectral_masking, bands, "bands", "spectral_masking")
        sizes = (encoder.embed_dims, decoder_embed_dims, decoder_depth, decoder_num_heads)
        patch, side = encoder.patch_size, encoder.window
        self.spatial_decoder = RowDecoder(bands, patch, side, *sizes, any_bands=any_bands)
        # A band is a patch of one channel: bands below one another are an image of one column of them.
        kind = BandDecoder if any_bands else RowDecoder
        self.spectral_decoder = kind(1, side, (bands * side, side) if bands else side, *sizes)

    def loss(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """Mean squared errors over the valid hidden pixels and bands; their sum is minimised.

        The arguments are as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``{'loss_pixels': scalar, 'loss_bands': scalar}``.

        Raises:
            ConfigError: If the windows are not P x P.
        """
        made = self.hide_and_predict(inputs, valid, rng, wavelengths)
        return {f"loss_{name}": hidden_error(reconstruction) for name, reconstruction in made.items()}

    @torch.no_grad()
    def reconstruct(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all pixels and bands; arguments as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``'pixels'``, the spatial branch's, and ``'bands'``, the spectral one's.
        """
        return self.hide_and_predict(inputs, valid, rng, wavelengths)

    def hide_and_predict(
        self, inputs: Tensor, valid: Tensor | None, rng: BatchRNG | None, wavelengths: Sequence[float] | None = None
    ) -> dict[str, Reconstruction]:
        """What :meth:`reconstruct` gives, with gradients.

        Args:
            inputs: Normalised windows, shape (B, C, H, W).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            rng: What to draw masks from; None for torch's own generators.
            wavelengths: As for :meth:`loss`.
        """
        encoder, window, told = self.backbone, self.backbone.window, self.bands_of(wavelengths)
        if tuple(inputs.shape[2:]) != (window, window):
            raise ConfigError(
                f"SSMAE: windows of {inputs.shape[2]} x {inputs.shape[3]} pixels given, the decoders predict "
                f"backbone.window={window}; let it agree with the dataset's window"
            )
        rng = rng or BatchRNG(len(inputs), inputs.device)
        hidden_pixels = self.spatial_masking(rng, 1, encoder.grid).flatten(1)
        hidden_bands = self.spectral_masking(rng, self.band_images(self.spectral_masking, inputs))
        pixels = visible_first(hidden_pixels)[:, : self.visible_pixels]
        shown = self.visible_count(self.spectral_masking, inputs.shape[1], "bands", "spectral_masking")
        bands = visible_first(hidden_bands)[:, :shown]
        seen = encoder.forward_visible(inputs, pixels, bands, **told)

        patch, target = encoder.patch_size, inputs.float()
        by_pixel = self.spatial_decoder.decode(seen.sequence(), pixels, encoder.grid, **told)
        by_pixel = unpatchify(by_pixel, patch, encoder.grid)
        hidden = hidden_pixels.unflatten(1, encoder.grid)[:, None]  # (B, 1, h, w), to the pixels of every patch:
        hidden = hidden.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :window, :window]
        by_band = self.spectral_decoder.decode(seen.spectral_sequence(), bands, (inputs.shape[1], 1), **told)
        by_band = by_band.unflatten(2, (window, window))
        return {
            "pixels": Reconstruction(target, by_pixel[..., :window, :window], hidden.expand_as(target), valid),
            "bands": Reconstruction(target, by_band, hidden_bands[:, :, None, None].expand_as(target), valid),
        }
