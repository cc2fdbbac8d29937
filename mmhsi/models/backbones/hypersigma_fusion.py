"""HyperSIGMA's two vision transformers as one backbone, fused as in its authors' segmentation."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_linear, patch_grid, resize_position_table
from ..quiet_init import QuietInit
from .vit_arch import ARCHS, resolve_arch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..layers import PrunableLayers

FINE_TUNING: dict[int, dict[str, Any]] = {
    12: dict(interval=3, out_indices=(3, 5, 7, 11)),
    24: dict(interval=6, out_indices=(7, 11, 15, 23)),
    32: dict(interval=8, out_indices=(10, 15, 20, 31)),
}
"""What the authors take for fine-tuning, by the number of layers; the spectral branch ends at the first of these."""
HIDDEN = 128
"""Channels of the summary of the spectrum, and hidden units of the gates."""


@MODELS.register_module()
class HyperSIGMAFusion(QuietInit):
    """The spatial branch's maps, each channel amplified by what the spectral branch saw.

    Wang et al., HyperSIGMA, 2024. A spectral token's summary is the mean of 128 linear functions of it; from the
    summaries of all tokens a gate for each map, two linear layers with ReLU and a sigmoid, makes a factor of 1 to 2 for
    every channel. Tokens of both branches get learned positions first, which pretraining had none of, and no last norm.

    With 12, 24 or 32 layers the same are sampled, and the same four maps taken, as by the authors; the spectral tokens
    are read at the first of the four. With other depths it is as ``interval`` and ``out_indices`` of each branch say,
    which count before all that. Both sample 8 points by default.

    Args:
        spatial: Arguments of :class:`HyperSIGMASpatial`, or ``pretrained`` in a config.
        spectral: Those of :class:`HyperSIGMASpectral`. Its layers behind the one that is read are not kept.
        in_channels: Bands C of the input. Default 100, as in pretraining.
        img_size: Side, or (height, width), in pixels of the images whose patches have positions; those of others are
            resampled. Default 64.
        init_cfg: mmengine's initialisation, of both branches together; or each branch has its own.

    Raises:
        ConfigError: If a size does not fit, or the two branches are exchanged.
    """

    def __init__(
        self,
        spatial: Mapping[str, Any] | None = None,
        spectral: Mapping[str, Any] | None = None,
        in_channels: int = 100,
        img_size: int | tuple[int, int] = 64,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.spatial = _branch("HyperSIGMASpatial", spatial or {}, in_channels)
        self.spectral = _branch("HyperSIGMASpectral", spectral or {}, in_channels)
        read = self.spectral.out_indices[0]
        self.spectral.out_indices, self.spectral.depth = (read,), read + 1
        self.spectral.layers = self.spectral.layers[: read + 1]
        self.spatial.norm = self.spectral.norm = nn.Identity()
        self.in_channels, self.embed_dims = in_channels, self.spatial.embed_dims
        self.out_indices = self.spatial.out_indices
        self.grid = patch_grid(img_size, self.spatial.patch_size)
        tokens = self.spectral.num_blocks
        positions = self.grid[0] * self.grid[1]
        self.spatial_pos_embed = nn.Parameter(torch.empty(1, positions, self.embed_dims))
        self.spectral_pos_embed = nn.Parameter(torch.empty(1, tokens, self.spectral.embed_dims))
        self.summary = nn.Linear(self.spectral.embed_dims, HIDDEN, bias=False)
        self.gates = nn.ModuleList(
            nn.Sequential(
                nn.Linear(tokens, HIDDEN, bias=False),
                nn.ReLU(),
                nn.Linear(HIDDEN, self.embed_dims, bias=False),
                nn.Sigmoid(),
            )
            for _ in self.out_indices
        )
        for table in (self.spatial_pos_embed, self.spectral_pos_embed):
            nn.init.trunc_normal_(table, std=0.02)
        init_linear(self.summary)
        init_linear(self.gates)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            One map (B, d, h, w) for each of ``out_indices``.

        Raises:
            ConfigError: If C is not ``in_channels``.
        """
        spatial, spectral = self.spatial.embed(x), self.spectral.embed(x)
        placed = spectral.patches + self.spectral_pos_embed
        (seen,) = self.spectral.encode(spectral._replace(patches=placed), self.spectral.out_indices)
        summary = self.summary(seen.patches).mean(dim=2)  # (B, T, 128) -> (B, T)
        placed = spatial.patches + resize_position_table(self.spatial_pos_embed, self.grid, spatial.grid)
        maps = self.spatial.encode(spatial._replace(patches=placed), self.out_indices)
        return tuple(
            tokens.to_map() * (1 + gate(summary))[..., None, None]
            for tokens, gate in zip(maps, self.gates, strict=True)
        )

    def adapt_weight(self, key: str, value: Tensor, state: dict[str, Tensor]) -> Tensor:
        """Fit a checkpoint's positions of patches to this grid; other weights are given back as they are.

        Args:
            key: The weight's name.
            value: The checkpoint's, of any shape.
            state: The checkpoint's state dict.

        Raises:
            ConfigError: If it has another number of positions, which is no square's.
        """
        if key != "spatial_pos_embed" or value.shape[1] == self.grid[0] * self.grid[1]:
            return value
        side = isqrt(value.shape[1])
        if side**2 != value.shape[1]:
            raise ConfigError(
                f"HyperSIGMAFusion: the checkpoint's {value.shape[1]} positions are no square, and not those of "
                f"{self.grid}; give img_size of its training"
            )
        return resize_position_table(value, (side, side), self.grid)

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {f"spatial.{name}": axis for name, axis in self.spatial.band_axes().items()}

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Residual layers that :mod:`mmhsi.models.pruning` may skip."""
        return {"spatial": self.spatial.layers, "spectral": self.spectral.layers}

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """As :meth:`TransformerBackbone.get_layer_depth`, layers of equal number in both branches having equal depth.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.
        """
        depths = self.spatial.depth + 2
        name = param_name.removeprefix(prefix).partition(".")[0] if param_name.startswith(prefix) else ""
        if name in ("spatial", "spectral"):
            return getattr(self, name).get_layer_depth(param_name, f"{prefix}{name}.")[0], depths
        return (0 if name.endswith("pos_embed") else depths - 1), depths


def _branch(kind: str, options: Mapping[str, Any], in_channels: int) -> Any:
    """A branch, as the authors fine-tune it where ``options`` do not say otherwise."""
    if options.get("type", kind) != kind:
        raise ConfigError(f"HyperSIGMAFusion: a branch is {options['type']}, expected {kind}; are the two exchanged?")
    depth = resolve_arch(options.get("arch", "base"), kind, ARCHS)["num_layers"]
    return MODELS.build(dict(type=kind, in_channels=in_channels, points=8) | FINE_TUNING.get(depth, {}) | dict(options))
