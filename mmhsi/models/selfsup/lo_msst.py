"""Masked pretraining of the spatial-spectral transformer (LO-MSST, LO-SST paper §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..backbones.sst import SST
from ..layers import fill_tokens, patch_grid, patchify
from ..losses import counted_mean
from ..masking import TokenMasking, visible_first
from ..rng import BatchRNG
from .lo_msst_decoder import LOMSSTDecoder
from .masked_pretraining import MaskedPretraining, Reconstruction

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class LOMSST(MaskedPretraining):
    """Hide 3-D patches, encode the visible ones, reconstruct the hidden ones.

    Nothing of a hidden patch enters the layers: spatial layers run on the visible tokens of each block, then spectral
    layers on those of each place. Blocks and places without any are passed over. Layers may be pruned meanwhile, with
    :class:`mmhsi.engine.LayerPruningHook`.

    Args:
        backbone: Config of an :class:`mmhsi.models.SST`.
        decoder: Config of the decoder, :class:`mmhsi.models.LOMSSTDecoder`; the sizes of patches and tokens and the
            spectral positions are those of the backbone. Default: its defaults.
        masking: Config of a masking strategy over tokens. Default: random over blocks and places, 75 %.
        loss_on: ``'masked'`` scores hidden patches alone, as MAE does, ``'all'`` all of them. Default ``'masked'``.
        norm_target: Whether every target patch is brought to zero mean and unit variance first. Default False.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone is no SST, the strategy hides no tokens, everything or nothing would be hidden, or
            ``loss_on`` is unknown.
    """

    def __init__(
        self,
        backbone: dict,
        decoder: dict | None = None,
        masking: dict | None = None,
        loss_on: str = "masked",
        norm_target: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        if not isinstance(self.backbone, SST):
            raise ConfigError(f"LOMSST: backbone {backbone['type']} given, expected SST")
        check_choice("LOMSST", "loss_on", loss_on, ("masked", "all"))
        embed = self.backbone.patch_embed
        sizes = dict(
            in_channels=self.backbone.embed_dims,
            patch_values=embed.bands_per_block * embed.patch_size**2,
            spectral_positions=self.backbone.block_positions,
        )
        self.decoder = MODELS.build(decoder or dict(type=LOMSSTDecoder), default_args=sizes)
        self.masking = MASKING.build(masking or dict(type="RandomMasking", ratio=0.75))
        self.check_masking(self.masking, TokenMasking)
        self.loss_on = loss_on
        self.norm_target = norm_target

    def loss(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """Mean squared error over the real values of the hidden patches, or of all.

        The arguments are as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``{'loss': scalar}``.
        """
        hidden, _, prediction = self.predict_patches(inputs, rng, wavelengths)
        samples = self.backbone.samples(inputs, self.backbone.filled(inputs, wavelengths))
        target = self.backbone.patch_embed.patches(samples)[0].float()
        weight = self.real_values(samples, valid)
        if self.norm_target:
            mean, std = self.target_statistics(target, weight)
            target = (target - mean) / std
        if self.loss_on == "masked":
            weight = weight * hidden[..., None]
        return {"loss": counted_mean((prediction - target).square(), weight)}

    @torch.no_grad()
    def reconstruct(
        self,
        inputs: Tensor,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
    ) -> dict[str, Reconstruction]:
        """Hide, encode and predict all patches; arguments as for :meth:`mmhsi.models.MAE.loss`.

        Returns:
            ``'patches'``.
        """
        hidden, grid, prediction = self.predict_patches(inputs, rng, wavelengths)
        filled = self.backbone.filled(inputs, wavelengths)
        if self.norm_target:
            samples = self.backbone.samples(inputs, filled)
            target = self.backbone.patch_embed.patches(samples)[0].float()
            mean, std = self.target_statistics(target, self.real_values(samples, valid))
            prediction = prediction * std + mean
        bands, height, width = inputs.shape[1:]

        def image(patches: Tensor) -> Tensor:
            whole = self.backbone.patch_embed.images(patches, grid)[..., :height, :width]
            return whole[:, :bands] if filled is None else whole[:, filled.nearest]

        everywhere = hidden[..., None].expand_as(prediction)
        return {"patches": Reconstruction(inputs.float(), image(prediction), image(everywhere), valid)}

    def predict_patches(
        self, inputs: Tensor, rng: BatchRNG | None = None, wavelengths: Sequence[float] | None = None
    ) -> tuple[Tensor, tuple[int, int], Tensor]:
        """Draw a mask, encode what is visible and predict everything.

        Args:
            inputs: Shape (B, C, H, W).
            rng: What to draw the mask from. Default: torch's own generators.
            wavelengths: As for :meth:`loss`.

        Returns:
            The mask (B, G, N), bool, True = hidden; the grid (h, w) with N = h · w; and the values of all patches,
            float32, shape (B, G, N, q · p · p).

        Raises:
            ConfigError: If all patches of an image or none are hidden.
        """
        grid = patch_grid(inputs.shape[2:], self.backbone.patch_size)
        filled = self.backbone.filled(inputs, wavelengths)
        blocks = None if filled is None else filled.blocks
        count = self.backbone.num_blocks if blocks is None else len(blocks)
        hidden = self.masking(rng or BatchRNG(len(inputs), inputs.device), count, grid)
        counts = hidden.flatten(1).sum(1).tolist()
        shown = (total := hidden[0].numel()) - counts[0]
        if min(counts) != max(counts):
            raise ConfigError(
                f"LOMSST: {self.masking} hides {min(counts)} to {max(counts)} patches, not as many of each image"
            )
        if not 0 < shown < total:
            raise ConfigError(
                f"LOMSST: masking.ratio={self.masking.ratio} hides {counts[0]} of {total} patches, "
                f"{hidden.shape[1]} x {hidden.shape[2]} of an image; use another"
            )
        visible = visible_first(hidden.flatten(1))[:, :shown]
        encoded = self.backbone.forward_visible(inputs, visible, **self.bands_of(wavelengths)).patches
        latent = fill_tokens(encoded, visible, total, encoded.new_zeros(1, 1, encoded.shape[-1]))
        return hidden, grid, self.decoder(latent.view(*hidden.shape, -1), hidden, grid, blocks).float()

    def real_values(self, inputs: Tensor, valid: Tensor | None) -> Tensor:
        """Which values of the patches are data: neither padding nor of pixels without data.

        Args:
            inputs: Images, of any bands their samples, shape (B, C, H, W).
            valid: Shape (B, H, W), bool, or None.

        Returns:
            1 for data, else 0, float32, shape (B or 1, G, N, q · p · p).
        """
        embed, (bands, height, width) = self.backbone.patch_embed, inputs.shape[1:]
        side, depth = embed.patch_size, embed.bands_per_block
        pixels = inputs.new_ones(1, height, width) if valid is None else valid
        pixels = F.pad(pixels.float(), (0, -width % side, 0, -height % side))
        pixels = patchify(pixels[:, None], side)[:, None, :, None]  # (B, N, p·p) -> (B, 1, N, 1, p·p)
        real = torch.arange(bands + -bands % depth, device=inputs.device) < bands
        return (real.view(-1, 1, depth, 1) * pixels).flatten(3)  # (B, G, N, q, p·p) -> (B, G, N, q·p·p)

    @staticmethod
    def target_statistics(target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every patch's real values, each (B, G, N, 1).

        Args:
            target: Patches, shape (B, G, N, k).
            weight: 1 for data, else 0, shape (B or 1, G, N, k).
        """
        count = weight.sum(-1, keepdim=True).clamp(min=1)
        mean = (target * weight).sum(-1, keepdim=True) / count
        variance = ((target - mean).square() * weight).sum(-1, keepdim=True) / count
        return mean, (variance + 1e-6).sqrt()
