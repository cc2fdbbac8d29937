"""Two vision transformers, one on patches, one on band groups, that exchange after each block (dissertation §3.2)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_choice, check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import check_bands, resolve_out_indices
from ..layers import (
    PatchEmbed,
    Tokens,
    init_embedding,
    init_linear,
    mask_tokens,
    patch_grid,
    prepend_tokens,
    resize_position_table,
    sinusoid_1d,
    sinusoid_2d,
)
from ..layers.spectral_embed import PixelSpectralEmbed, PooledSpectralEmbed, band_positions, group_centres
from ..layers.token_fusion import CrossAttentionFusion, PooledFusion, TokenMixFusion
from .base import TransformerBackbone
from .vit_arch import FFN_TYPES, ViTArch, resolve_arch, vit_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@MODELS.register_module()
class SpatialSpectralViT(TransformerBackbone):
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
        drop_path_uniform: Whether all layers have that of the last, as in DINOv2. Default False.
        norm_maps: Whether the last norms are applied to the outputs of earlier layers too, as DINOv2 gives them to
            decode heads. Default False.
        layer_scale_init_value: Start of LayerScale; 0 leaves it out. Default 1e-5, as DINOv2.
        ffn_type: ``'origin'`` (MLP with GELU) or ``'swiglu_fused'``.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size or name does not fit.
    """

    stages = ("spatial_layers", "spectral_layers")
    other_layers = ("fusions",)
    after_layers = ("spatial_norm", "spectral_norm")
    with_mask_token = True
    spatial_pos_embed: Tensor
    spectral_pos_embed: Tensor

    def __init__(
        self,
        in_channels: int,
        arch: str | ViTArch = "base",
        img_size: int | tuple[int, int] = 64,
        patch_size: int = 8,
        spectral_patch_size: int = 2,
        out_indices: Sequence[int] = (-1,),
        num_registers: int = 4,
        mode: str = "any",
        fusion: str = "cross_attention",
        spectral_grid: int = 8,
        wavelengths: Sequence[float] | None = None,
        local_img_size: int | tuple[int, int] = 32,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        drop_path_uniform: bool = False,
        norm_maps: bool = False,
        layer_scale_init_value: float = 1e-5,
        ffn_type: str = "origin",
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "SpatialSpectralViT")
        depth, embed_dims = sizes["num_layers"], sizes["embed_dims"]
        check_choice("SpatialSpectralViT", "mode", mode, ("any", "paper"))
        check_choice("SpatialSpectralViT", "fusion", fusion, ("cross_attention", "pooled"))
        check_choice("SpatialSpectralViT", "ffn_type", ffn_type, FFN_TYPES)
        self.norm_maps = norm_maps
        check_sizes("SpatialSpectralViT", patch_size=patch_size, spectral_grid=spectral_grid)
        if num_registers < 0:
            raise ConfigError(f"SpatialSpectralViT: num_registers={num_registers} given, expected at least 0")
        if not 1 <= spectral_patch_size <= in_channels:
            raise ConfigError(f"SpatialSpectralViT: {spectral_patch_size=} must lie in 1 to {in_channels=}")

        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.depth = depth
        self.patch_size = patch_size
        self.grid = patch_grid(img_size, patch_size)
        self.num_groups = -(-in_channels // spectral_patch_size)
        self.out_indices = resolve_out_indices("SpatialSpectralViT", out_indices, depth)
        self.num_extra_tokens = 1 + num_registers

        self.patch_embed = PatchEmbed(in_channels, embed_dims, patch_size)
        self.spectral_embed: nn.Module
        build_fusion: Callable[[], nn.Module]
        if mode == "paper":
            if wavelengths is not None:
                raise ConfigError("SpatialSpectralViT: mode='paper' learns its spectral positions; drop wavelengths")
            img_sizes = (patch_grid(img_size, 1), patch_grid(local_img_size, 1))  # of pixels
            counts, groups = self._token_counts(*img_sizes), self.num_extra_tokens + self.num_groups
            build_fusion = partial(TokenMixFusion, counts, groups)
            self.spectral_embed = PixelSpectralEmbed(embed_dims, spectral_patch_size, img_sizes)
            self.spatial_pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid[0] * self.grid[1], embed_dims))
            self.spectral_pos_embed = nn.Parameter(torch.zeros(1, 1 + self.num_groups, embed_dims))
        else:
            if fusion == "pooled":
                build_fusion = partial(PooledFusion, embed_dims)
            else:
                build_fusion = partial(CrossAttentionFusion, embed_dims, sizes["num_heads"])
            self.spectral_embed = PooledSpectralEmbed(embed_dims, spectral_patch_size, spectral_grid)
            centres = group_centres(band_positions(wavelengths, in_channels, "SpatialSpectralViT"), spectral_patch_size)
            codes = {"spatial": sinusoid_2d(*self.grid, embed_dims), "spectral": sinusoid_1d(centres, embed_dims)}
            for stream, table in codes.items():
                # CLS, before the others, has none. Not in the checkpoint, which may be of another sensor or size.
                self.register_buffer(f"{stream}_pos_embed", F.pad(table, (0, 0, 1, 0))[None], persistent=False)
        self.spatial_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.registers = nn.Parameter(torch.zeros(1, num_registers, embed_dims)) if num_registers else None
        self.spatial_mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)

        self.spatial_layers, self.spectral_layers = (
            vit_layers(sizes, drop_rate, drop_path_rate, ffn_type, layer_scale_init_value, drop_path_uniform)
            for _ in range(2)
        )
        self.fusions = nn.ModuleList(build_fusion() for _ in range(depth))
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.spectral_norm = nn.LayerNorm(embed_dims, eps=1e-6)

        if mode == "paper":
            nn.init.trunc_normal_(self.spatial_pos_embed, std=0.02)
            nn.init.trunc_normal_(self.spectral_pos_embed, std=0.02)
        tokens = (self.spatial_cls_token, self.spatial_mask_token, self.spectral_cls_token, self.spectral_mask_token)
        for token in tokens if self.registers is None else (*tokens, self.registers):
            nn.init.normal_(token, std=0.02)
        for embedding in (self.patch_embed, self.spectral_embed):
            init_embedding(embedding)
        for layers in (self.spatial_layers, self.spectral_layers):
            init_linear(layers)

    def _token_counts(self, *img_sizes: tuple[int, int]) -> tuple[int, ...]:
        """Check paper mode's two sizes; give their numbers of spatial tokens."""
        p, counts = self.patch_size, []
        for height, width in img_sizes:
            if height % p or width % p:
                raise ConfigError(
                    f"SpatialSpectralViT: mode='paper' needs sizes that patch_size={p} divides, got {height}x{width}"
                )
            counts.append(self.num_extra_tokens + (height // p) * (width // p))
        if counts[1] >= counts[0]:
            raise ConfigError(
                f"SpatialSpectralViT: local_img_size={img_sizes[1]} must be smaller than img_size={img_sizes[0]}"
            )
        return tuple(counts)

    def embed(self, x: Tensor, mask: Tensor | None = None, spectral_mask: Tensor | None = None) -> Tokens:
        """Embed images into patch tokens and band groups' tokens and add positions.

        Args:
            x: Images, shape (B, C, H, W).
            mask: Patches replaced by the mask token, shape (B, h · w), bool.
            spectral_mask: Band groups replaced by the mask token, shape (B, g), bool.

        Raises:
            ConfigError: If C is not the backbone's, paper mode does not take H x W, or a mask is not (B, n) bool.
        """
        check_bands("SpatialSpectralViT", x, self.in_channels)
        spatial, grid = self.patch_embed(x)
        spectral = self.spectral_embed(x)
        spatial = mask_tokens(spatial, mask, self.spatial_mask_token, "SpatialSpectralViT: mask")
        spectral = mask_tokens(spectral, spectral_mask, self.spectral_mask_token, "SpatialSpectralViT: spectral_mask")
        spatial = spatial + resize_position_table(self.spatial_pos_embed[:, 1:], self.grid, grid)
        return Tokens(None, spatial, grid, None, spectral + self.spectral_pos_embed[:, 1:])

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Prepend both CLS tokens and the registers and run the pairs of layers and their exchanges.

        Args:
            tokens: From :meth:`embed`.
            out_indices: Depths, counted from 0, whose outputs are returned.

        Returns:
            Both streams after each depth asked for, the last one's normalised.
        """
        spatial_cls = self.spatial_cls_token + self.spatial_pos_embed[:, :1]
        spectral_cls = self.spectral_cls_token + self.spectral_pos_embed[:, :1]
        spatial = self.drop_after_pos(prepend_tokens(tokens.patches, spatial_cls, self.registers))
        spectral = self.drop_after_pos(prepend_tokens(tokens.spectral_tokens(), spectral_cls, self.registers))
        outputs, extra = [], self.num_extra_tokens
        for index, fusion in enumerate(self.fusions):
            spatial = self.spatial_layers.run_layer(index, spatial)
            spectral = self.spectral_layers.run_layer(index, spectral)
            spatial, spectral = fusion(spatial, spectral)
            if index in out_indices:
                normed = self.norm_maps or index == len(self.fusions) - 1
                pair = (self.spatial_norm(spatial), self.spectral_norm(spectral)) if normed else (spatial, spectral)
                outputs.append(pair)
        return [Tokens(x[:, 0], x[:, extra:], tokens.grid, y[:, 0], y[:, extra:]) for x, y in outputs]

    def forward_tokens(self, x: Tensor, mask: Tensor | None = None, spectral_mask: Tensor | None = None) -> Tokens:
        """Encode images to the tokens of both streams, as DINOv2 needs them.

        A mask hides content from its own stream alone: what a masked patch holds still enters the spectral tokens,
        and the exchange, unless ``spectral_mask`` hides it there.

        Args:
            x: Images, shape (B, C, H, W).
            mask: Patches replaced by the learned mask token, shape (B, h · w), bool. Default: none.
            spectral_mask: Band groups replaced by the learned mask token, shape (B, g), bool. Default: none.

        Returns:
            Normalised tokens of the last layers.

        Raises:
            ConfigError: As :meth:`embed`.
        """
        return self.encode_last(self.embed(x, mask, spectral_mask))

    def last_attention(self) -> dict[str, nn.Module]:
        """Attention of both streams' last layers."""
        layers = {"spatial": self.spatial_layers[-1], "spectral": self.spectral_layers[-1]}
        return {stream: layer.get_submodule("attn") for stream, layer in layers.items()}
