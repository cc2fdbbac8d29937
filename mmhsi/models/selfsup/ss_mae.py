"""Spatial-spectral masked autoencoder (SS-MAE; MRS paper §2)."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..backbones.ss_mae_vit import SSMAEViT
from ..layers import sinusoid_1d, unpatchify
from ..losses import reduce_mean
from ..masking import BandMasking, TokenMasking, visible_first
from ..rng import BatchRNG
from .mae_decoder import MAEDecoder
from .masked_pretraining import MaskedPretraining, Reconstruction


class RowDecoder(MAEDecoder):
    """:class:`MAEDecoder` on a row of tokens, with fixed 1-D sinusoidal positions."""

    def __init__(
        self, num_tokens: int, num_values: int, embed_dims: int, decoder_embed_dims: int, depth: int, num_heads: int
    ) -> None:
        super().__init__(num_values, 1, (num_tokens, 1), embed_dims, decoder_embed_dims, depth, num_heads)

    def positions(self, channels: int) -> Tensor:
        """Fixed positions of the row, shape (N, channels)."""
        return sinusoid_1d(torch.arange(self.grid[0]), channels)

    def decode(self, latent: Tensor, visible: Tensor) -> Tensor:
        """Predict the values of all tokens.

        Args:
            latent: Encoded CLS and visible tokens, shape (B, 1 + n, d).
            visible: Indices of the visible tokens, shape (B, n).

        Returns:
            float32 tensor of shape (B, N, num_values).
        """
        everything = torch.arange(self.grid[0], device=latent.device).expand(len(latent), -1)
        return self(latent, visible, everything, self.grid).float()


def hidden_error(made: Reconstruction) -> Tensor:
    """Mean squared error over the hidden values of valid pixels.

    Returns:
        Scalar.
    """
    weight = made.hidden if made.valid is None else made.hidden & made.valid[:, None]
    error = (made.prediction - made.target).square() * weight
    return error.sum() / reduce_mean(weight.sum())


@MODELS.register_module()
class SSMAE(MaskedPretraining):
    """Hide pixels from one branch and bands from the other, and reconstruct both.

    The spatial branch sees the visible pixels in all bands, the spectral branch the visible bands of all pixels; each
    has a light decoder of its own. Bands of a second source (``second='concat'`` of the preprocessor) are hidden and
    reconstructed like the cube's.

    Args:
        backbone: Config of a :class:`mmhsi.models.SSMAEViT`.
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
        pixels, bands = encoder.grid[0] * encoder.grid[1], encoder.in_channels
        self.visible_pixels = self.visible_count(self.spatial_masking, pixels, "tokens", "spatial_masking")
        self.visible_bands = self.visible_count(self.spectral_masking, bands, "bands", "spectral_masking")
        sizes = (encoder.embed_dims, decoder_embed_dims, decoder_depth, decoder_num_heads)
        self.spatial_decoder = RowDecoder(pixels, bands * encoder.patch_size**2, *sizes)
        self.spectral_decoder = RowDecoder(bands, encoder.window**2, *sizes)

    def loss(self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None) -> dict[str, Tensor]:
        """Mean squared errors over the valid hidden pixels and bands; their sum is minimised.

        Args:
            inputs: Shape (B, C, P, P).
            valid: Shape (B, P, P), bool, or None.
            rng: What to draw masks from. Default: torch's own generators.

        Returns:
            ``{'loss_pixels': scalar, 'loss_bands': scalar}``.

        Raises:
            ConfigError: If the windows are not P x P.
        """
        made = self.hide_and_predict(inputs, valid, rng)
        return {f"loss_{name}": hidden_error(reconstruction) for name, reconstruction in made.items()}

    @torch.no_grad()
    def reconstruct(
        self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all pixels and bands.

        Args:
            inputs: Shape (B, C, P, P).
            valid: Shape (B, P, P), bool, or None.
            rng: What to draw masks from. Default: torch's own generators.

        Returns:
            ``'pixels'``, the spatial branch's, and ``'bands'``, the spectral one's.
        """
        return self.hide_and_predict(inputs, valid, rng)

    def hide_and_predict(self, inputs: Tensor, valid: Tensor | None, rng: BatchRNG | None) -> dict[str, Reconstruction]:
        """What :meth:`reconstruct` gives, with gradients.

        Args:
            inputs: Normalised windows, shape (B, C, H, W).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            rng: What to draw masks from; None for torch's own generators.
        """
        encoder, window = self.backbone, self.backbone.window
        if tuple(inputs.shape[2:]) != (window, window):
            raise ConfigError(
                f"SSMAE: windows of {inputs.shape[2]} x {inputs.shape[3]} pixels given, the decoders predict "
                f"backbone.window={window}; let it agree with the dataset's window"
            )
        rng = rng or BatchRNG(len(inputs), inputs.device)
        hidden_pixels = self.spatial_masking(rng, 1, encoder.grid).flatten(1)
        hidden_bands = self.spectral_masking(rng, self.band_images(self.spectral_masking, inputs))
        pixels = visible_first(hidden_pixels)[:, : self.visible_pixels]
        bands = visible_first(hidden_bands)[:, : self.visible_bands]
        seen = encoder.forward_visible(inputs, pixels, bands)

        patch, target = encoder.patch_size, inputs.float()
        by_pixel = unpatchify(self.spatial_decoder.decode(seen.sequence(), pixels), patch, encoder.grid)
        hidden = hidden_pixels.unflatten(1, encoder.grid)[:, None]  # (B, 1, h, w), to the pixels of every patch:
        hidden = hidden.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :window, :window]
        by_band = self.spectral_decoder.decode(seen.spectral_sequence(), bands).unflatten(2, (window, window))
        return {
            "pixels": Reconstruction(target, by_pixel[..., :window, :window], hidden.expand_as(target), valid),
            "bands": Reconstruction(target, by_band, hidden_bands[:, :, None, None].expand_as(target), valid),
        }
