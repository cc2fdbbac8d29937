"""Masked autoencoding spectral-spatial transformer: pretraining."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..backbones.comparison.maest_vit import MAESTViT, centre_window
from ..layers import init_linear, sinusoid_1d, take_tokens
from ..layers.transformer_layer import TransformerLayer
from ..losses import counted_mean
from ..masking import BandMasking, visible_first
from ..quiet_init import QuietInit
from ..rng import BatchRNG
from .masked_pretraining import MaskedPretraining, Reconstruction


class MAESTDecoder(QuietInit):
    """Transformer from the visible bands' tokens to what all bands' tokens held.

    Args:
        tokens: Bands C.
        values: What a token holds.
        encoder_dims: Width of the encoder's tokens.
        embed_dims: Width d.
        depth: Layers.
        num_heads: Heads, 16 wide each.
        drop_rate: Dropout of the layers.
    """

    positions: Tensor

    def __init__(
        self, tokens: int, values: int, encoder_dims: int, embed_dims: int, depth: int, num_heads: int, drop_rate: float
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(encoder_dims, embed_dims, bias=False)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        sines = sinusoid_1d(torch.arange(tokens), embed_dims)  # of which each sine comes before its cosine here
        sines = sines.unflatten(1, (2, -1)).transpose(1, 2).flatten(1)
        self.register_buffer("positions", sines[None], persistent=False)
        sizes = (embed_dims, num_heads, 16, 8, drop_rate)
        self.layers = nn.Sequential(*(TransformerLayer(*sizes) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dims)
        self.head = nn.Linear(embed_dims, values)
        init_linear(self)

    def forward(self, latent: Tensor, order: Tensor) -> Tensor:
        """Predict what tokens held, float of shape (B, C, v), in the order given.

        Args:
            latent: Visible tokens, shape (B, n, d).
            order: Indices of all bands, those of the visible tokens first, shape (B, C).
        """
        visible = self.embed(latent)
        hidden = self.mask_token.to(visible.dtype).expand(len(latent), order.shape[1] - latent.shape[1], -1)
        positions = take_tokens(self.positions.expand(len(latent), -1, -1), order)
        return self.head(self.norm(self.layers(torch.cat([visible, hidden], dim=1) + positions)))


class BandPrediction(NamedTuple):
    """What is made of the tokens of a batch.

    Attributes:
        values: What all tokens are said to have held, float32, shape (B, C, v), visible ones first.
        order: Indices of the bands, in that order, shape (B, C).
        hidden: Hidden bands, bool, shape (B, C).
        shown: How many are visible.
        target: What they held, float32, shape (B, C, v), in the bands' own order.
    """

    values: Tensor
    order: Tensor
    hidden: Tensor
    shown: int
    target: Tensor


@MODELS.register_module()
class MAEST(MaskedPretraining):
    """Hide tokens of bands, encode the others, and reconstruct what the hidden ones held.

    The reconstruction path of D. Ibañez et al., IEEE TGRS 60, 2022; public code: ibanezfd/MAEST, whose predictions it
    equals on the same weights. A token holds its band's neighbours too, so that the values of hidden bands are seen
    where a neighbour is visible, as in the public code.

    Args:
        backbone: Config of a :class:`mmhsi.models.MAESTViT` with ``cross_layer=False``.
        decoder_embed_dims: Width of the decoder, even. Default 64.
        decoder_depth: Its layers. Default 5.
        decoder_num_heads: Its heads. Default 4.
        drop_rate: Dropout of its layers. Default 0.1.
        masking: Config of a masking strategy over bands. Default: random bands, 75 %.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone is another, or everything or nothing would be hidden.
    """

    def __init__(
        self,
        backbone: dict,
        decoder_embed_dims: int = 64,
        decoder_depth: int = 5,
        decoder_num_heads: int = 4,
        drop_rate: float = 0.1,
        masking: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        encoder = self.backbone
        if not isinstance(encoder, MAESTViT) or encoder.mixes:
            raise ConfigError(f"MAEST: backbone {backbone['type']} given, expected MAESTViT with cross_layer=False")
        self.decoder = MAESTDecoder(
            encoder.in_channels,
            encoder.values,
            encoder.embed_dims,
            decoder_embed_dims,
            decoder_depth,
            decoder_num_heads,
            drop_rate,
        )
        self.masking = MASKING.build(masking or dict(type="SpectralMasking", ratio=0.75))
        self.check_masking(self.masking, BandMasking)

    def loss(self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None) -> dict[str, Tensor]:
        """Mean squared error over what hidden tokens held, pixels without data left out.

        The arguments are as for :meth:`MaskedPretraining.loss`.

        Returns:
            ``{'loss': scalar}``.
        """
        made = self.predict_bands(inputs, rng)
        wanted = made.order[:, made.shown :]
        prediction, target = made.values[:, made.shown :], take_tokens(made.target, wanted)
        weight = None
        if valid is not None:
            weight = centre_window(valid[:, None], self.backbone.window).flatten(2)
            weight = weight.repeat(1, 1, len(self.backbone.offsets))
        return {"loss": counted_mean((prediction - target).square(), weight)}

    @torch.no_grad()
    def reconstruct(
        self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all bands of the window that the tokens hold.

        The arguments are as for :meth:`MaskedPretraining.reconstruct`.

        Returns:
            ``'bands'``, of the pixels around the centre that the tokens hold.
        """
        made = self.predict_bands(inputs, rng)
        side = self.backbone.window
        own = self.backbone.offsets.index(0)  # a token's own band among its neighbours
        back = made.order.argsort(dim=1)
        prediction = take_tokens(made.values, back).unflatten(2, (-1, side, side))[:, :, own]
        target = centre_window(inputs, side).float()
        inside = None if valid is None else centre_window(valid[:, None], side)[:, 0]
        hidden = made.hidden[..., None, None].expand(target.shape)
        return {"bands": Reconstruction(target, prediction, hidden, inside)}

    def predict_bands(self, inputs: Tensor, rng: BatchRNG | None = None) -> BandPrediction:
        """Hide bands of windows (B, C, H, W), encode the others and predict all.

        Args:
            inputs: Normalised windows, shape (B, C, H, W).
            rng: What to draw the mask from. Default: torch's own generators.

        Raises:
            ConfigError: If there are too few bands for the ratio.
        """
        shown = self.visible_count(self.masking, inputs.shape[1], "bands")
        rng = rng or BatchRNG(len(inputs), inputs.device)
        hidden = self.masking(rng, self.band_images(self.masking, inputs))
        order = visible_first(hidden)
        target = self.backbone.bands(inputs)
        tokens = self.backbone.tokens(target)
        seen = torch.cat([tokens[:, :1], take_tokens(tokens[:, 1:], order[:, :shown])], dim=1)
        values = self.decoder(self.backbone.encode(seen)[:, 1:], order).float()
        return BandPrediction(values, order, hidden, shown, target.float())
