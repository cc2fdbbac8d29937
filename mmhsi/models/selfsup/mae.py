"""Masked autoencoder on N bands (He et al. 2022; dissertation §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from mmhsi.registry import MASKING, MODELS

from ..layers import pad_to_multiple, patch_grid, patchify, take_tokens, unpatchify
from ..losses import counted_mean
from ..masking import BandMasking, visible_first
from ..protocols import check_plain
from ..rng import BatchRNG
from .masked_pretraining import MaskedPretraining, Reconstruction

if TYPE_CHECKING:
    from collections.abc import Sequence


class MaskedInput(NamedTuple):
    """What a mask leaves of a batch.

    Attributes:
        seen: Images for the encoder, shape (B, C, H, W).
        visible: Indices of the patches that the encoder is given, shape (B, n).
        hidden: Indices of the hidden patches, shape (B, m); all patches where bands are hidden.
        bands: Hidden bands, bool (B, C); None where patches are hidden.
        grid: (h, w) of all patches.
    """

    seen: Tensor
    visible: Tensor
    hidden: Tensor
    bands: Tensor | None
    grid: tuple[int, int]


@MODELS.register_module()
class MAE(MaskedPretraining):
    """Hide patches, encode the visible ones, reconstruct the hidden ones; or hide bands.

    With a strategy over tokens the encoder is given the visible patches alone. With one over bands the hidden bands of
    its input are set to 0, their mean, it sees all patches, and the reconstruction of the hidden bands is scored.

    On a backbone of any bands, batches may be of other sensors in turn (:class:`mmhsi.datasets.MixedDataset`); the
    decoder predicts each band from its centre.

    Args:
        backbone: Config of a :class:`mmhsi.models.protocols.VisibleBackbone` with one CLS token and one token a patch,
            e.g. :class:`mmhsi.models.HSIViT`.
        decoder: Config of the decoder, e.g. :class:`mmhsi.models.MAEDecoder`; bands, patches,
            tokens' width and image size are the backbone's.
        masking: Config of a masking strategy over tokens or bands. Default: random tokens, 75 %.
        norm_target: Whether every target patch is brought to zero mean and unit variance first. Default False.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone is another, or everything or nothing would be hidden.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict,
        masking: dict | None = None,
        norm_target: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        self.decoder = self.build_decoder(decoder, check_plain("MAE", self.backbone))
        self.masking = MASKING.build(masking or dict(type="RandomMasking", ratio=0.75))
        self.check_masking(self.masking)
        self.norm_target = norm_target

    def loss(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """Mean squared error over the valid pixels of the hidden patches or bands.

        Args:
            inputs: Shape (B, C, H, W).
            valid: Shape (B, H, W), bool, or None.
            rng: What to draw masks from. Default: torch's own generators.
            wavelengths: Centres of the bands in nm, for a backbone of any bands. Default: the backbone's own.

        Returns:
            ``{'loss': scalar}``.
        """
        patch = self.backbone.patch_size
        masked = self.mask(inputs, rng)
        prediction = self.decode(masked, masked.hidden, wavelengths)
        target = take_tokens(patchify(pad_to_multiple(inputs, patch), patch), masked.hidden).float()
        if self.norm_target:
            mean, std = self.target_statistics(target)
            target = (target - mean) / std

        weight = None
        if masked.bands is not None:
            weight = masked.bands.to(target.dtype).repeat_interleave(patch**2, dim=1)[:, None]  # (B, 1, C·p·p)
        if valid is not None:
            pixels = patchify(pad_to_multiple(valid[:, None].to(target.dtype), patch), patch)
            pixels = take_tokens(pixels, masked.hidden).repeat(1, 1, inputs.shape[1])  # the same pixels in every band
            weight = pixels if weight is None else weight * pixels
        return {"loss": counted_mean((prediction - target).square(), weight)}

    @torch.no_grad()
    def reconstruct(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all patches; arguments as for :meth:`loss`.

        Returns:
            ``'patches'`` or ``'bands'``, as the strategy hides.
        """
        patch, (height, width) = self.backbone.patch_size, inputs.shape[2:]
        masked = self.mask(inputs, rng)
        everything = torch.arange(masked.grid[0] * masked.grid[1], device=inputs.device).expand(len(inputs), -1)
        prediction = self.decode(masked, everything, wavelengths)
        if self.norm_target:
            mean, std = self.target_statistics(patchify(pad_to_multiple(inputs, patch), patch).float())
            prediction = prediction * std + mean
        prediction = unpatchify(prediction, patch, masked.grid)[..., :height, :width]
        if masked.bands is not None:
            hidden, name = masked.bands[..., None, None], "bands"
        else:
            tokens = torch.zeros_like(everything, dtype=torch.bool).scatter_(1, masked.hidden, True)
            hidden, name = tokens.unflatten(1, masked.grid)[:, None], "patches"
            hidden = hidden.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :height, :width]
        return {name: Reconstruction(inputs.float(), prediction, hidden.expand(inputs.shape), valid)}

    @staticmethod
    def target_statistics(target: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every patch of (B, m, C · p · p), each (B, m, 1).

        Args:
            target: Shape (B, m, C · p · p).
        """
        variance, mean = torch.var_mean(target, dim=-1, keepdim=True)
        return mean, (variance + 1e-6).sqrt()

    def decode(self, masked: MaskedInput, wanted: Tensor, wavelengths: Sequence[float] | None = None) -> Tensor:
        """Encode what is visible and predict the patches ``wanted`` (B, m), float32 (B, m, C · p · p).

        Args:
            masked: What the mask left.
            wanted: Indices of patches, shape (B, m).
            wavelengths: As for :meth:`loss`.
        """
        bands = self.bands_of(wavelengths)
        latent = self.backbone.forward_visible(masked.seen, masked.visible, **bands).sequence()
        return self.decoder(latent, masked.visible, wanted, masked.grid, **bands).float()

    def mask(self, inputs: Tensor, rng: BatchRNG | None = None) -> MaskedInput:
        """Draw a mask for images (B, C, H, W).

        Args:
            inputs: Shape (B, C, H, W).
            rng: What to draw the mask from. Default: torch's own generators.

        Raises:
            ConfigError: If there are too few patches or bands for the ratio.
        """
        rng = rng or BatchRNG(len(inputs), inputs.device)
        patch = self.backbone.patch_size
        grid = patch_grid(inputs.shape[2:], patch)
        if isinstance(self.masking, BandMasking):
            self.visible_count(self.masking, inputs.shape[1], "bands")
            bands = self.masking(rng, self.band_images(self.masking, inputs))
            everything = torch.arange(grid[0] * grid[1], device=inputs.device).expand(len(inputs), -1)
            return MaskedInput(inputs.masked_fill(bands[..., None, None], 0.0), everything, everything, bands, grid)
        shown = self.visible_count(self.masking, grid[0] * grid[1], f"patches of {patch} x {patch} pixels")
        hidden = self.masking(rng, 1, grid).flatten(1)
        order = visible_first(hidden)
        return MaskedInput(inputs, order[:, :shown], order[:, shown:], None, grid)
