"""Masking of bands: at random, or together with those that look alike (MRS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.arguments import check_choice
from mmhsi.registry import MASKING

from .base import BandMasking, hide_highest

if TYPE_CHECKING:
    from ..rng import BatchRNG


@MASKING.register_module()
class SpectralMasking(BandMasking):
    """Hide bands at random (SS-MAE)."""

    def __call__(self, rng: BatchRNG, images: Tensor) -> Tensor:
        """Draw a mask; see :class:`BandMasking`."""
        bands = images.shape[1]
        return hide_highest(rng.uniform(bands), self.count(bands))


@MASKING.register_module()
class MRSMasking(BandMasking):
    """Hide a random band and those most similar to it: Mining Redundant Spectra (MRS paper, eq. 1 and 2).

    Similarity is the cosine between band images; a band of zeros is similar to none (0). Of bands that are equally
    similar the earlier are hidden first.

    Args:
        ratio: Share that is hidden, as of every :class:`Masking`.
        values: What the cosines are taken of: ``'file'`` (default), the values as the files have them, which is the
            paper's eq. 1 on values of one scale for all bands (a common factor changes no cosine); or
            ``'normalized'``, every band's deviations from its mean in its standard deviations.

    Raises:
        ConfigError: If ``values`` is unknown.
    """

    def __init__(self, ratio: float, values: str = "file") -> None:
        super().__init__(ratio)
        self.on_file_values = check_choice("MRSMasking", "values", values, ("file", "normalized")) == "file"

    def __call__(self, rng: BatchRNG, images: Tensor) -> Tensor:
        """Draw a mask; see :class:`BandMasking`."""
        batch, bands = images.shape[:2]
        chosen = rng.integers(bands)
        similarity = band_similarity(images, chosen)
        similarity.scatter_(1, chosen[:, None], torch.inf)  # the chosen band itself, even if it is all zeros
        order = similarity.argsort(dim=1, descending=True, stable=True)
        mask = torch.zeros(batch, bands, dtype=torch.bool, device=images.device)
        return mask.scatter_(1, order[:, : self.count(bands)], True)


def band_similarity(images: Tensor, chosen: Tensor) -> Tensor:
    """Cosine similarity of every band image with one of them (MRS paper, eq. 1).

    Args:
        images: Shape (B, C, H, W).
        chosen: Index of a band for each image, shape (B,).

    Returns:
        Tensor of shape (B, C), float32; 0 where one of the two bands is all zeros.
    """
    flat = images.flatten(2).float()
    unit = flat / flat.norm(dim=2, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    reference = unit[torch.arange(len(unit), device=unit.device), chosen]
    with torch.autocast(images.device.type, enabled=False):  # half precision would choose other bands
        return torch.bmm(unit, reference[:, :, None])[:, :, 0]
