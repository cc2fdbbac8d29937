"""Masked autoencoder on N bands (He et al. 2022; dissertation §3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING, MODELS

from ..layers import pad_to_multiple, patchify
from ..masking import BandMasking


@MODELS.register_module()
class MAE(BaseModel):
    """Hide patches, encode the visible ones, reconstruct the hidden ones; or hide bands.

    With a strategy over tokens the encoder is given the visible patches alone. With one over bands the hidden bands of
    its input are set to 0, their mean, it sees all patches, and the reconstruction of the hidden bands is scored.

    Args:
        backbone: Config of a backbone with ``forward_visible``, e.g. :class:`mmhsi.models.HSIViT`.
        decoder: Config of the decoder, e.g. :class:`mmhsi.models.MAEDecoder`.
        masking: Config of a masking strategy over tokens or bands. Default: random tokens, 75 %.
        norm_target: Whether every target patch is brought to zero mean and unit variance first. Default False.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the backbone cannot encode visible patches alone, or everything or nothing would be hidden.
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
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        if not hasattr(self.backbone, "forward_visible"):
            raise ConfigError(f"MAE: backbone {backbone['type']} has no forward_visible, which masked encoding needs")
        self.decoder = MODELS.build(decoder)
        self.masking = MASKING.build(masking or dict(type="RandomMasking", ratio=0.75))
        if not 0 < self.masking.ratio < 1:
            raise ConfigError(f"MAE: masking.ratio={self.masking.ratio} leaves nothing to hide or nothing to see")
        self.norm_target = norm_target
        # The loss leaves nodata pixels out, so the preprocessor has to say which these are.
        self.data_preprocessor.with_valid = True

    def forward(
        self, inputs: Tensor, data_samples: list | None = None, valid: Tensor | None = None, mode: str = "tensor"
    ) -> dict[str, Tensor] | tuple[Tensor, ...]:
        """Run the algorithm.

        Args:
            inputs: Normalised images, shape (B, C, H, W).
            data_samples: Ignored; part of mmengine's interface.
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            mode: ``'loss'`` for training, ``'tensor'`` for the backbone's maps of the unmasked image.

        Returns:
            Losses by name, or the maps.
        """
        if mode == "tensor":
            return self.backbone(inputs)
        if mode == "loss":
            return self.loss(inputs, valid)
        raise ConfigError(f"MAE: mode={mode!r} is not offered, expected 'loss' or 'tensor'")

    def loss(self, inputs: Tensor, valid: Tensor | None) -> dict[str, Tensor]:
        """Mean squared error over the valid pixels of the hidden patches or bands.

        Args:
            inputs: Shape (B, C, H, W).
            valid: Shape (B, H, W), bool, or None.

        Returns:
            ``{'loss': scalar}``.
        """
        patch, bands = self.backbone.patch_size, inputs.shape[1]
        padded = pad_to_multiple(inputs, patch)
        grid = (padded.shape[2] // patch, padded.shape[3] // patch)
        seen, weight = inputs, None
        if isinstance(self.masking, BandMasking):
            visible = wanted = torch.arange(grid[0] * grid[1], device=inputs.device).expand(len(inputs), -1)
            hidden = self.draw_bands(inputs)
            seen = inputs.masked_fill(hidden[..., None, None], 0.0)
            weight = hidden.to(inputs.dtype).repeat_interleave(patch**2, dim=1)[:, None]  # (B, 1, C·p·p)
        else:
            visible, wanted = self.draw(len(inputs), grid, inputs.device)
        latent, _ = self.backbone.forward_visible(seen, visible)
        prediction = self.decoder(latent, visible, wanted, grid).float()

        target = patchify(padded, patch)
        target = target.gather(1, wanted[..., None].expand(-1, -1, target.shape[-1])).float()
        if self.norm_target:
            variance, mean = torch.var_mean(target, dim=-1, keepdim=True)
            target = (target - mean) / (variance + 1e-6).sqrt()
        if valid is not None:
            pixels = patchify(pad_to_multiple(valid[:, None].to(target.dtype), patch), patch)  # (B, N, p·p)
            pixels = pixels.gather(1, wanted[..., None].expand(-1, -1, pixels.shape[-1]))
            pixels = pixels.repeat(1, 1, bands)  # the same pixels in every band
            weight = pixels if weight is None else weight * pixels
        if weight is None:
            return {"loss": F.mse_loss(prediction, target)}
        error = F.mse_loss(prediction, target, reduction="none")
        return {"loss": (error * weight).sum() / weight.expand_as(error).sum().clamp(min=1)}

    def draw_bands(self, inputs: Tensor) -> Tensor:
        """Draw hidden bands, bool (B, C).

        Raises:
            ConfigError: If there are too few bands for the ratio.
        """
        bands = inputs.shape[1]
        count = self.masking.count(bands)
        if not 0 < count < bands:
            raise ConfigError(
                f"MAE: masking.ratio={self.masking.ratio} hides {count} of {bands} bands; use another ratio"
            )
        return self.masking(inputs)

    def draw(self, batch: int, grid: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Draw a mask and give the indices of visible and of hidden patches, shapes (B, n) and (B, m).

        Raises:
            ConfigError: If the grid is too small for the ratio.
        """
        tokens = grid[0] * grid[1]
        count = self.masking.count(tokens)
        if not 0 < count < tokens:
            raise ConfigError(
                f"MAE: masking.ratio={self.masking.ratio} hides {count} of {tokens} patches; "
                f"use a smaller patch_size than {self.backbone.patch_size} or another ratio"
            )
        mask = self.masking(batch, 1, grid, device).view(batch, tokens)
        # A stable sort of the mask lists visible patches first without a host synchronisation.
        order = mask.to(torch.uint8).argsort(dim=1, stable=True)
        return order[:, : tokens - count], order[:, tokens - count :]
