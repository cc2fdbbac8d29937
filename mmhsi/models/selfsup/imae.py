"""Instructional masked autoencoder (IMAE paper, Kong et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..losses import counted_mean
from ..masking import TokenMasking, visible_first
from ..protocols import check_plain
from ..rng import BatchRNG
from .masked_pretraining import MaskedPretraining, Reconstruction

if TYPE_CHECKING:
    from collections.abc import Sequence


class PixelPrediction(NamedTuple):
    """What the autoencoder makes of a batch under a mask.

    Attributes:
        pixels: Spectra of all pixels, float32, shape (B, H · W, C).
        centre: The ins token's spectrum of the centre pixel, float32, shape (B, C).
        hidden: Hidden pixels, bool, shape (B, H · W).
    """

    pixels: Tensor
    centre: Tensor
    hidden: Tensor


@MODELS.register_module()
class IMAE(MaskedPretraining):
    """Hide pixels, encode the visible ones, reconstruct all; and have the ins token tell the centre's spectrum.

    The loss is the paper's eq. 17, both terms divided by the number of bands: the mean squared error over all pixels
    and bands, plus α times that of the spectrum which a linear map makes of the decoded ins token, against the centre
    pixel's. The space in which the two are compared is thus the spectra's own. The paper projects both, which a
    constant projection would satisfy; the data do not collapse.

    Args:
        backbone: Config of a :class:`mmhsi.models.protocols.VisibleBackbone` with a token for each pixel and CLS, which
            becomes the ins token: :class:`mmhsi.models.IMAEViT`.
        decoder: Config of :class:`mmhsi.models.IMAEDecoder`; bands and tokens' width are the backbone's.
        masking: Config of a masking strategy over tokens. Default: random pixels, 50 %.
        alpha: Weight α of the ins token's term. Default 1; the paper does not give it.
        loss_on: ``'all'`` pixels count in the reconstruction, as in the paper, or the ``'masked'`` ones alone.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone has no tokens of pixels, the strategy hides no tokens, everything or nothing would
            be hidden, or a value is unknown.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        masking: dict | None = None,
        alpha: float = 1.0,
        loss_on: str = "all",
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        encoder = check_plain("IMAE", self.backbone)
        if (side := encoder.patch_size) != 1:
            raise ConfigError(f"IMAE: {backbone['type']} has patches of {side} x {side} pixels, expected single pixels")
        self.decoder = self.build_decoder(decoder, encoder)
        self.masking = MASKING.build(masking or dict(type="RandomMasking", ratio=0.5))
        self.check_masking(self.masking, TokenMasking)
        if alpha < 0:
            raise ConfigError(f"IMAE: alpha={alpha} given, expected 0 or more")
        check_choice("IMAE", "loss_on", loss_on, ("all", "masked"))
        self.alpha = alpha
        self.loss_on = loss_on

    def loss(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """Score the reconstruction and the ins token; pixels without data do not count.

        The arguments are as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``loss_reconstruction`` and ``loss_instruction``, the latter times α.
        """
        target = inputs.flatten(2).transpose(1, 2).float()  # (B, H · W, C)
        height, width = inputs.shape[2:]
        centre = height // 2 * width + width // 2
        made = self.predict_pixels(inputs, rng, wavelengths)
        counted = made.hidden if self.loss_on == "masked" else None
        if valid is not None:
            valid = valid.flatten(1)
            counted = valid if counted is None else valid & counted
        return {
            "loss_reconstruction": counted_mean((made.pixels - target).square().mean(2), counted),
            "loss_instruction": self.alpha
            * counted_mean(
                (made.centre - target[:, centre]).square().mean(1), None if valid is None else valid[:, centre]
            ),
        }

    @torch.no_grad()
    def reconstruct(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all pixels; arguments as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``'pixels'``.
        """
        made = self.predict_pixels(inputs, rng, wavelengths)
        prediction = made.pixels.transpose(1, 2).view(inputs.shape)
        hidden = made.hidden.view(-1, 1, *inputs.shape[2:]).expand(inputs.shape)
        return {"pixels": Reconstruction(inputs.float(), prediction, hidden, valid)}

    def predict_pixels(
        self, inputs: Tensor, rng: BatchRNG | None = None, wavelengths: Sequence[float] | None = None
    ) -> PixelPrediction:
        """Hide pixels of windows (B, C, H, W), encode the others and predict all.

        Args:
            inputs: Normalised windows, shape (B, C, H, W).
            rng: What to draw the mask from. Default: torch's own generators.
            wavelengths: As for :meth:`loss`.

        Raises:
            ConfigError: If there are too few pixels for the ratio.
        """
        grid = (inputs.shape[2], inputs.shape[3])
        shown = self.visible_count(self.masking, grid[0] * grid[1], "pixels")
        hidden = self.masking(rng or BatchRNG(len(inputs), inputs.device), 1, grid).flatten(1)
        visible = visible_first(hidden)[:, :shown]
        bands = self.bands_of(wavelengths)
        latent = self.backbone.forward_visible(inputs, visible, **bands).sequence()
        prediction, centre = self.decoder(latent, visible, grid, **bands)
        return PixelPrediction(prediction.float(), centre.float(), hidden)
