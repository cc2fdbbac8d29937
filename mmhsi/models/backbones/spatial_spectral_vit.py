"""Two vision transformers, one on patches, one on band groups, that exchange after each block (dissertation §3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import PatchEmbed, init_linear, resize_position_table, sinusoid_1d, sinusoid_2d
from ..layers.prunable import PrunableLayers
from ..layers.spectral_embed import PixelSpectralEmbed, PooledSpectralEmbed, group_centres
from ..layers.token_fusion import CrossAttentionFusion, PooledFusion, TokenMixFusion
from .vit_arch import FFN_TYPES, ViTArch, resolve_arch, vit_layer

Size = int | tuple[int, int]

SHORTEST_WAVELENGTH = 100
"""In nm. Sensors see 300 nm and more; what is below 100 is in another unit, and its codes would hardly differ."""


class SpatialSpectralTokens(NamedTuple):
    """Normalised tokens of both streams' last layers."""

    spatial_cls: Tensor
    """Shape (B, d)."""
    spatial_patches: Tensor
    """Shape (B, h · w, d), row-major."""
    spectral_cls: Tensor
    """Shape (B, d)."""
    spectral_tokens: Tensor
    """Shape (B, g, d), one for each band group."""
    grid: tuple[int, int]
    """Patches of the spatial stream, (h, w)."""


def _as_pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


@MODELS.register_module()
class SpatialSpectralViT(BaseModule):
    """Spatial and spectral vision transformer side by side.

    The spatial stream is :class:`HSIViT`'s: a token for each patch across all bands. The spectral stream has a token
    for each group of q neighbouring bands across all pixels; where q does not divide the bands, the last group is
    completed by repeating the last band. Each stream has a CLS token of its own; the register tokens, which carry no
    position, are shared. Layer i of both streams is followed by an exchange between them.

    ``mode='any'`` takes any H x W and any number of bands. A spectral token is the group, resampled to a fixed grid,
    under one linear map; positions are fixed sinusoids, the spectral ones of the group's mean wavelength in nm, or of
    its mean band index where ``wavelengths`` are not given; the exchange is independent of the numbers of tokens.
    Sides that the patch does not divide are padded by repeating the last row and column.

    ``mode='paper'`` is the dissertation's network, which takes two sizes alone. The spectral embedding is a
    convolution along the bands whose channels are the pixels, the exchange a 1x1 convolution over the token axis of
    both streams; both exist once for ``img_size`` and once for ``local_img_size``. Positions are learned, the spatial
    ones interpolated for the smaller size. (The dissertation's code defines the spectral ones and never adds them;
    here they are added.) With 32 bands, 64 and 32 pixels, ViT-B and q = 2 it has exactly 179,777,424 parameters:

    ====================================================  ===========
    24 layers of 7,089,408, LayerScale and plain MLP      170,145,792
    12 exchanges: 90 -> 69, 90 -> 21, twice 42 -> 21          119,952
    patch embedding 8 · 8 · 32 -> 768                       1,573,632
    spectral embedding 64 · 64 · 2 -> 768                   6,292,224
    spectral embedding 32 · 32 · 2 -> 768                   1,573,632
    positions: 65 spatial and 17 spectral, CLS included        62,976
    2 CLS, 4 shared registers, 2 mask tokens                    6,144
    2 final LayerNorms                                          3,072
    ====================================================  ===========

    ``forward`` gives the spatial maps. What the last exchange sends to the spectral stream, that stream's final norm,
    the mask tokens and, in paper mode, the layers of the other image size take no part in it: distributed training
    on it needs ``find_unused_parameters=True``.

    Args:
        in_channels: Bands C of the input.
        arch: As for :class:`HSIViT`; both streams have these sizes.
        img_size: Side, or (height, width), in pixels, that the spatial position table is made for; in paper mode the
            size of the input. Default 64.
        patch_size: Side of a patch in pixels. Default 8.
        spectral_patch_size: Bands a spectral token, q. Default 2.
        out_indices: Layers whose spatial maps are returned, after their exchange; negative counts from the end.
            Default: the last.
        num_registers: Register tokens. Default 4.
        mode: ``'any'`` or ``'paper'``.
        fusion: Exchange in any mode: ``'cross_attention'``, or ``'pooled'``, in which each stream receives a linear
            map of the other's CLS and mean token. Paper mode has its own.
        spectral_grid: Side of the grid that bands are resampled to in any mode. Default 8.
        wavelengths: Centre of each band in nm, for any mode.
        local_img_size: The second, smaller size that paper mode takes. Default 32.
        drop_rate: Dropout of the embedded tokens, after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layers; earlier ones less, linearly.
        layer_scale_init_value: Start of LayerScale; 0 leaves it out. Default 1e-5, as DINOv2.
        ffn_type: ``'origin'`` (MLP with GELU) or ``'swiglu_fused'``.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size or name does not fit.
    """

    spatial_pos_embed: Tensor
    spectral_pos_embed: Tensor

    def __init__(
        self,
        in_channels: int,
        arch: str | ViTArch = "base",
        img_size: Size = 64,
        patch_size: int = 8,
        spectral_patch_size: int = 2,
        out_indices: Sequence[int] = (-1,),
        num_registers: int = 4,
        mode: str = "any",
        fusion: str = "cross_attention",
        spectral_grid: int = 8,
        wavelengths: Sequence[float] | None = None,
        local_img_size: Size = 32,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        layer_scale_init_value: float = 1e-5,
        ffn_type: str = "origin",
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "SpatialSpectralViT")
        depth, embed_dims = sizes["num_layers"], sizes["embed_dims"]
        for name, value, options in (
            ("mode", mode, ("any", "paper")),
            ("fusion", fusion, ("cross_attention", "pooled")),
            ("ffn_type", ffn_type, FFN_TYPES),
        ):
            if value not in options:
                raise ConfigError(
                    f"SpatialSpectralViT: {name}={value!r} is unknown, expected one of {', '.join(options)}"
                )
        for name, number, least in (
            ("patch_size", patch_size, 1),
            ("spectral_grid", spectral_grid, 1),
            ("num_registers", num_registers, 0),
        ):
            if number < least:
                raise ConfigError(f"SpatialSpectralViT: {name}={number} must be at least {least}")
        if not 1 <= spectral_patch_size <= in_channels:
            raise ConfigError(
                f"SpatialSpectralViT: spectral_patch_size={spectral_patch_size} must lie in 1 to "
                f"in_channels={in_channels}"
            )
        if not out_indices or not all(-depth <= index < depth for index in out_indices):
            raise ConfigError(
                f"SpatialSpectralViT: out_indices={tuple(out_indices)} must lie in -{depth} to {depth - 1}"
            )
        height, width = _as_pair(img_size)

        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.patch_size = patch_size
        self.mode = mode
        self.grid = (-(-height // patch_size), -(-width // patch_size))
        self.num_groups = -(-in_channels // spectral_patch_size)
        self.out_indices = tuple(index % depth for index in out_indices)
        self.num_extra_tokens = 1 + num_registers

        self.patch_embed = PatchEmbed(in_channels, embed_dims, patch_size)
        self.spectral_embed: nn.Module
        if mode == "paper":
            if wavelengths is not None:
                raise ConfigError("SpatialSpectralViT: mode='paper' learns its spectral positions; drop wavelengths")
            self.paper_sizes = ((height, width), _as_pair(local_img_size))
            token_counts = self._paper_token_counts()
            self.spectral_embed = PixelSpectralEmbed(embed_dims, spectral_patch_size, self.paper_sizes)
            self.spatial_pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid[0] * self.grid[1], embed_dims))
            self.spectral_pos_embed = nn.Parameter(torch.zeros(1, 1 + self.num_groups, embed_dims))
        else:
            positions = self._band_positions(wavelengths)
            self.spectral_embed = PooledSpectralEmbed(embed_dims, spectral_patch_size, spectral_grid)
            # Not in the checkpoint: they follow from the config, and a checkpoint may be of another sensor or size.
            spatial_codes = sinusoid_2d(*self.grid, embed_dims)
            spectral_codes = sinusoid_1d(group_centres(positions, spectral_patch_size), embed_dims)
            no_position = torch.zeros(1, embed_dims)
            self.register_buffer("spatial_pos_embed", torch.cat([no_position, spatial_codes])[None], persistent=False)
            self.register_buffer("spectral_pos_embed", torch.cat([no_position, spectral_codes])[None], persistent=False)
        self.spatial_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.registers = nn.Parameter(torch.zeros(1, num_registers, embed_dims)) if num_registers else None
        self.spatial_mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)

        def build_layers() -> PrunableLayers:
            rates = (drop_path_rate * index / max(depth - 1, 1) for index in range(depth))
            return PrunableLayers(vit_layer(sizes, ffn_type, layer_scale_init_value, drop_rate, rate) for rate in rates)

        def build_fusion() -> nn.Module:
            if mode == "paper":
                return TokenMixFusion(token_counts, self.num_extra_tokens + self.num_groups)
            if fusion == "pooled":
                return PooledFusion(embed_dims)
            return CrossAttentionFusion(embed_dims, sizes["num_heads"])

        self.spatial_layers = build_layers()
        self.spectral_layers = build_layers()
        self.fusions = nn.ModuleList(build_fusion() for _ in range(depth))
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.spectral_norm = nn.LayerNorm(embed_dims, eps=1e-6)

    def _paper_token_counts(self) -> tuple[int, int]:
        """Check paper mode's two sizes; give their numbers of spatial tokens."""
        p = self.patch_size
        for height, width in self.paper_sizes:
            if height % p or width % p:
                raise ConfigError(
                    f"SpatialSpectralViT: mode='paper' needs sizes that patch_size={p} divides, got {height}x{width}"
                )
        large, small = (self.num_extra_tokens + (height // p) * (width // p) for height, width in self.paper_sizes)
        if small >= large:
            raise ConfigError(
                f"SpatialSpectralViT: local_img_size={self.paper_sizes[1]} must be smaller than "
                f"img_size={self.paper_sizes[0]}"
            )
        return large, small

    def _band_positions(self, wavelengths: Sequence[float] | None) -> Sequence[float]:
        """Check wavelengths; without them, give band indices."""
        if wavelengths is None:
            return range(self.in_channels)
        if len(wavelengths) != self.in_channels:
            raise ConfigError(
                f"SpatialSpectralViT: {len(wavelengths)} wavelengths for in_channels={self.in_channels} bands"
            )
        wrong = [value for value in wavelengths if not (isfinite(value) and value >= SHORTEST_WAVELENGTH)]
        if wrong:
            raise ConfigError(
                f"SpatialSpectralViT: wavelengths are in nm, at least {SHORTEST_WAVELENGTH}, got {wrong[0]}; "
                "are they micrometres?"
            )
        return wavelengths

    @property
    def pairs(self) -> list[tuple[nn.Module, nn.Module, nn.Module]]:
        """Spatial layer, spectral layer and exchange of each depth, in order."""
        return list(zip(self.spatial_layers, self.spectral_layers, self.fusions, strict=True))

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Residual layers that pruning may skip; their exchanges stay."""
        return {"spatial_layers": self.spatial_layers, "spectral_layers": self.spectral_layers}

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"patch_embed.projection.weight": 1}

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.

        Returns:
            Depth (0 for the embeddings, i + 1 for pair i and its exchange, the last for everything after) and the
            number of depths.
        """
        depths = len(self.spatial_layers) + 2
        first, _, rest = param_name.removeprefix(prefix).partition(".")
        if not param_name.startswith(prefix) or first in ("spatial_norm", "spectral_norm"):
            return depths - 1, depths
        if first in ("spatial_layers", "spectral_layers", "fusions"):
            return int(rest.partition(".")[0]) + 1, depths
        return 0, depths

    def init_weights(self) -> None:
        """Fill tokens, learned positions and all maps (exchanges with zero); then what ``init_cfg`` says."""
        if self.mode == "paper":
            nn.init.trunc_normal_(self.spatial_pos_embed, std=0.02)
            nn.init.trunc_normal_(self.spectral_pos_embed, std=0.02)
        for token in (
            self.spatial_cls_token,
            self.spatial_mask_token,
            self.spectral_cls_token,
            self.spectral_mask_token,
        ):
            nn.init.normal_(token, std=0.02)
        if self.registers is not None:
            nn.init.normal_(self.registers, std=0.02)
        for module in (*self.patch_embed.modules(), *self.spectral_embed.modules()):
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight.view(module.weight.shape[0], -1))
                nn.init.zeros_(module.bias)
        init_linear(self.spatial_layers)
        init_linear(self.spectral_layers)
        for fusion in self.fusions:
            fusion.init_weights()
        super().init_weights()

    def _check_input(self, x: Tensor) -> None:
        if x.shape[1] != self.in_channels:
            raise ConfigError(
                f"SpatialSpectralViT: input has {x.shape[1]} bands, the model expects in_channels={self.in_channels}"
            )
        if self.mode == "paper" and tuple(x.shape[2:]) not in self.paper_sizes:
            taken = " and ".join(f"{height}x{width}" for height, width in self.paper_sizes)
            raise ConfigError(
                f"SpatialSpectralViT: mode='paper' takes {taken} pixels, got {x.shape[2]}x{x.shape[3]}; "
                "set img_size and local_img_size, or mode='any'"
            )

    def _with_extra_tokens(self, tokens: Tensor, cls_token: Tensor, positions: Tensor) -> Tensor:
        """Add positions (1, 1 + n, d) and prepend CLS and registers: (B, n, d) -> (B, 1 + R + n, d)."""
        extra = [cls_token + positions[:, :1]]
        if self.registers is not None:
            extra.append(self.registers)
        expanded = [token.expand(tokens.shape[0], -1, -1) for token in extra]
        return self.drop_after_pos(torch.cat([*expanded, tokens + positions[:, 1:]], dim=1))

    def embed(
        self, x: Tensor, spatial_mask: Tensor | None = None, spectral_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, tuple[int, int]]:
        """Embed images into what the first layers of both streams receive.

        Args:
            x: Images, shape (B, C, H, W).
            spatial_mask: Patches replaced by the mask token, shape (B, h · w), bool.
            spectral_mask: Band groups replaced by the mask token, shape (B, g), bool.

        Returns:
            Spatial tokens (B, 1 + R + h · w, d), spectral tokens (B, 1 + R + g, d), and the grid (h, w).

        Raises:
            ConfigError: If C is not the backbone's, paper mode does not take H x W, or a mask is not (B, n) bool.
        """
        self._check_input(x)
        spatial, grid = self.patch_embed(x)
        spectral = self.spectral_embed(x)
        spatial = _apply_mask(spatial, spatial_mask, self.spatial_mask_token, "spatial_mask")
        spectral = _apply_mask(spectral, spectral_mask, self.spectral_mask_token, "spectral_mask")
        table = resize_position_table(self.spatial_pos_embed[:, 1:], self.grid, grid)
        spatial_positions = torch.cat([self.spatial_pos_embed[:, :1], table], dim=1)
        return (
            self._with_extra_tokens(spatial, self.spatial_cls_token, spatial_positions),
            self._with_extra_tokens(spectral, self.spectral_cls_token, self.spectral_pos_embed),
            grid,
        )

    def encode(self, spatial: Tensor, spectral: Tensor, out_indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        """Run the pairs of layers and their exchanges.

        Args:
            spatial: From :meth:`embed`, shape (B, 1 + R + h · w, d).
            spectral: From :meth:`embed`, shape (B, 1 + R + g, d).
            out_indices: Depths, counted from 0, whose outputs are returned.

        Returns:
            Both streams after each depth asked for, the last one's normalised.
        """
        pairs, outputs = self.pairs, []
        for index, (spatial_layer, spectral_layer, fusion) in enumerate(pairs):
            if not self.spatial_layers.is_pruned(index):
                spatial = spatial_layer(spatial)
            if not self.spectral_layers.is_pruned(index):
                spectral = spectral_layer(spectral)
            spatial, spectral = fusion(spatial, spectral)
            if index == len(pairs) - 1:
                spatial, spectral = self.spatial_norm(spatial), self.spectral_norm(spectral)
            if index in out_indices:
                outputs.append((spatial, spectral))
        return outputs

    def forward_tokens(
        self, x: Tensor, spatial_mask: Tensor | None = None, spectral_mask: Tensor | None = None
    ) -> SpatialSpectralTokens:
        """Encode images to the tokens of both streams, as DINOv2 needs them.

        A mask hides content from its own stream alone: what a masked patch holds still enters the spectral tokens,
        and the exchange, unless ``spectral_mask`` hides it there.

        Args:
            x: Images, shape (B, C, H, W).
            spatial_mask: Patches replaced by the learned mask token, shape (B, h · w), bool. Default: none.
            spectral_mask: Band groups replaced by the learned mask token, shape (B, g), bool. Default: none.

        Returns:
            Normalised tokens of the last layers.

        Raises:
            ConfigError: As :meth:`embed`.
        """
        spatial, spectral, grid = self.embed(x, spatial_mask, spectral_mask)
        spatial, spectral = self.encode(spatial, spectral, (len(self.spatial_layers) - 1,))[0]
        extra = self.num_extra_tokens
        return SpatialSpectralTokens(spatial[:, 0], spatial[:, extra:], spectral[:, 0], spectral[:, extra:], grid)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images to spatial maps.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            One map (B, d, h, w) for each of ``out_indices``.

        Raises:
            ConfigError: As :meth:`embed`.
        """
        spatial, spectral, grid = self.embed(x)
        return tuple(
            output[:, self.num_extra_tokens :].transpose(1, 2).unflatten(2, grid)
            for output, _ in self.encode(spatial, spectral, self.out_indices)
        )


def _apply_mask(tokens: Tensor, mask: Tensor | None, mask_token: Tensor, name: str) -> Tensor:
    """Put the mask token where ``mask`` (B, n) is True in ``tokens`` (B, n, d)."""
    if mask is None:
        return tokens
    if mask.dtype != torch.bool or mask.shape != tokens.shape[:2]:
        raise ConfigError(
            f"SpatialSpectralViT: {name} is {mask.dtype} of shape {tuple(mask.shape)}, "
            f"expected torch.bool of shape {tuple(tokens.shape[:2])}"
        )
    return torch.where(mask[..., None], mask_token.to(tokens.dtype), tokens)
