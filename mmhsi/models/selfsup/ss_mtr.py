"""Spectral-spatial masked transformer: pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_linear
from ..losses import reduce_mean
from .mae import MAE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..rng import BatchRNG


def info_nce(first: Tensor, second: Tensor, temperature: float, counted: Tensor | None = None) -> Tensor:
    """How badly each row is told from all others as the partner of the same row of the other batch, both ways.

    Args:
        first: Shape (B, d).
        second: Shape (B, d).
        temperature: What cosines are divided by.
        counted: Rows that count, neither scored nor compared with otherwise, bool (B,); None for all.
    """
    scores = F.normalize(first.float(), dim=1) @ F.normalize(second.float(), dim=1).T / temperature
    own = torch.arange(len(scores), device=scores.device)
    if counted is None:
        return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
    compared = counted[:, None] & counted | torch.eye(len(own), dtype=torch.bool, device=own.device)
    scores = scores.masked_fill(~compared, -torch.inf)  # a row that does not count keeps itself: its loss is 0
    rows = F.cross_entropy(scores, own, reduction="none") + F.cross_entropy(scores.T, own, reduction="none")
    return rows.sum() / reduce_mean(counted.sum()) / 2


@MODELS.register_module()
class SSMTr(MAE):
    """Reconstruct masked windows with a plain transformer, which a linear map then turns into a classifier.

    L. Huang, Y. Chen, X. He, Spectral-spatial masked transformer with supervised and contrastive learning for
    hyperspectral image classification, IEEE TGRS 61, 2023. There is no public code, and this follows what the paper's
    abstract says: a vanilla transformer is pretrained by reconstruction from masked inputs (SS-MTr), and a contrastive
    loss may be added (C-SS-MTr). Ours are: patches across all bands as tokens, the decoder, mask ratio and loss, which
    are those of :class:`mmhsi.models.MAE`; and the contrast, which asks that the CLS tokens of two masks of one window,
    through a two-layer map, be more alike than those of other windows of the batch, in each process its own. The
    variants with labels in pretraining (S-SS-MTr, SC-SS-MTr) are not offered: pretraining data here have none.

    Args:
        backbone: See :class:`mmhsi.models.MAE`.
        decoder: See there.
        masking: See there.
        contrast: Weight of the contrast. Default 0, none: SS-MTr.
        temperature: What cosines are divided by. Default 0.1.
        norm_target: See :class:`mmhsi.models.MAE`.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If ``contrast`` is negative, ``temperature`` not positive, or :class:`mmhsi.models.MAE` refuses.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        masking: dict | None = None,
        contrast: float = 0.0,
        temperature: float = 0.1,
        norm_target: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, decoder, masking, norm_target, data_preprocessor, init_cfg)
        if contrast < 0 or temperature <= 0:
            raise ConfigError(
                f"SSMTr: contrast={contrast}, temperature={temperature} given, expected 0 or more and more than 0"
            )
        self.contrast = contrast
        self.temperature = temperature
        if contrast:
            width = self.backbone.embed_dims
            self.projector = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            init_linear(self.projector)

    def loss(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """Mean squared error over what was hidden; with a contrast that of two more masks.

        The arguments are as for :meth:`MAE.loss`.

        Returns:
            ``loss``, and ``loss_contrast``, times its weight.
        """
        losses = super().loss(inputs, valid, rng, wavelengths)
        if self.contrast:
            first, second = (self.projector(self.encode_cls(inputs, rng, wavelengths)) for _ in range(2))
            counted = None if valid is None else valid.flatten(1).any(dim=1)
            losses["loss_contrast"] = self.contrast * info_nce(first, second, self.temperature, counted)
        return losses

    def encode_cls(self, inputs: Tensor, rng: BatchRNG | None, wavelengths: Sequence[float] | None = None) -> Tensor:
        """CLS of the windows (B, C, H, W) under a mask, shape (B, d).

        Args:
            inputs: Normalised windows, shape (B, C, H, W).
            rng: What to draw the mask from.
            wavelengths: As for :meth:`loss`.
        """
        masked, bands = self.mask(inputs, rng), self.bands_of(wavelengths)
        return self.backbone.forward_visible(masked.seen, masked.visible, **bands).sequence()[:, 0]
