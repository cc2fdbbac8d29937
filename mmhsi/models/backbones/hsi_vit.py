"""Plain vision transformer on N bands (dissertation §3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch
from mmengine.model import BaseModule
from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import PatchEmbed, init_linear, resize_position_table, sinusoid_2d


class ViTArch(TypedDict):
    """Sizes of a vision transformer."""

    embed_dims: int
    num_layers: int
    num_heads: int
    feedforward_channels: int


ARCHS: dict[str, ViTArch] = {
    "tiny": {"embed_dims": 128, "num_layers": 4, "num_heads": 4, "feedforward_channels": 512},
    "small": {"embed_dims": 384, "num_layers": 12, "num_heads": 6, "feedforward_channels": 1536},
    "base": {"embed_dims": 768, "num_layers": 12, "num_heads": 12, "feedforward_channels": 3072},
    "large": {"embed_dims": 1024, "num_layers": 24, "num_heads": 16, "feedforward_channels": 4096},
}


def resolve_arch(arch: str | ViTArch, owner: str) -> ViTArch:
    """Look a preset up, or check a dict of sizes.

    Raises:
        ConfigError: If the name is unknown, a size is missing, or the width does not divide into heads and by 4.
    """
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise ConfigError(f"{owner}: arch={arch!r} is unknown, expected one of {', '.join(ARCHS)} or a dict")
        return ARCHS[arch]
    missing = set(ViTArch.__annotations__) - set(arch)
    if missing:
        raise ConfigError(f"{owner}: arch lacks {', '.join(sorted(missing))}")
    if arch["embed_dims"] % arch["num_heads"] or arch["embed_dims"] % 4:
        raise ConfigError(
            f"{owner}: embed_dims={arch['embed_dims']} must divide by num_heads={arch['num_heads']} and by 4"
        )
    return arch


@MODELS.register_module()
class HSIViT(BaseModule):
    """Vision transformer whose patches span all bands.

    Takes any H × W: sides that the patch does not divide are padded by repeating the last row and column, and the
    position table, made for ``img_size``, is interpolated (bicubic) to other grids.

    Args:
        in_channels: Bands C of the input.
        arch: ``'tiny'`` (d 128, 4 layers, for few labels and CPUs), ``'small'``, ``'base'``, ``'large'`` (the ViT
            sizes of that name) or a dict with ``embed_dims``, ``num_layers``, ``num_heads``,
            ``feedforward_channels``.
        img_size: Side, or (height, width), in pixels, that the position table is made for. Default 64.
        patch_size: Side of a patch in pixels. Default 8.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        pos_embed: ``'sincos'`` (fixed, as MAE) or ``'learned'``.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size does not fit.
    """

    num_extra_tokens = 1
    """CLS, before the patch tokens."""

    def __init__(
        self,
        in_channels: int,
        arch: str | ViTArch = "base",
        img_size: int | tuple[int, int] = 64,
        patch_size: int = 8,
        out_indices: Sequence[int] = (-1,),
        pos_embed: str = "sincos",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "HSIViT")
        depth = sizes["num_layers"]
        if pos_embed not in ("sincos", "learned"):
            raise ConfigError(f"HSIViT: pos_embed={pos_embed!r} is unknown, expected 'sincos' or 'learned'")
        if not out_indices or not all(-depth <= index < depth for index in out_indices):
            raise ConfigError(f"HSIViT: out_indices={tuple(out_indices)} must lie in -{depth} to {depth - 1}")
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size

        self.in_channels = in_channels
        self.embed_dims = sizes["embed_dims"]
        self.patch_size = patch_size
        self.grid = (-(-height // patch_size), -(-width // patch_size))
        self.out_indices = tuple(index % depth for index in out_indices)
        self.pos_embed_type = pos_embed

        self.patch_embed = PatchEmbed(in_channels, self.embed_dims, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        self.pos_embed = nn.Parameter(
            torch.zeros(1, 1 + self.grid[0] * self.grid[1], self.embed_dims), requires_grad=pos_embed == "learned"
        )
        self.drop_after_pos = nn.Dropout(drop_rate)
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(
                embed_dims=self.embed_dims,
                num_heads=sizes["num_heads"],
                feedforward_channels=sizes["feedforward_channels"],
                drop_rate=drop_rate,
                drop_path_rate=drop_path_rate * index / max(depth - 1, 1),
                norm_cfg=dict(type="LN", eps=1e-6),
            )
            for index in range(depth)
        )
        self.norm = nn.LayerNorm(self.embed_dims, eps=1e-6)

    def init_weights(self) -> None:
        """Fill the position table, CLS and all linear maps; then what ``init_cfg`` says."""
        if self.pos_embed_type == "sincos":
            self.pos_embed.data[:, 1:] = sinusoid_2d(*self.grid, self.embed_dims)
        else:
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=0.02)
        weight = self.patch_embed.projection.weight
        nn.init.xavier_uniform_(weight.view(weight.shape[0], -1))
        nn.init.zeros_(self.patch_embed.projection.bias)
        init_linear(self.layers)
        super().init_weights()

    def embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed images and add positions.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            Patch tokens (B, h · w, d) and the grid (h, w).

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``.
        """
        if x.shape[1] != self.in_channels:
            raise ConfigError(f"HSIViT: input has {x.shape[1]} bands, the model expects in_channels={self.in_channels}")
        tokens, grid = self.patch_embed(x)
        return tokens + resize_position_table(self.pos_embed[:, 1:], self.grid, grid), grid

    def encode(self, tokens: Tensor, out_indices: Sequence[int]) -> list[Tensor]:
        """Prepend CLS and run the layers.

        Args:
            tokens: Patch tokens with positions added, any number of them, shape (B, n, d).
            out_indices: Layers, counted from 0, whose outputs are returned.

        Returns:
            The outputs asked for, the last layer's normalised, each (B, 1 + n, d).
        """
        cls_token = (self.cls_token + self.pos_embed[:, :1]).expand(len(tokens), -1, -1)
        x = self.drop_after_pos(torch.cat([cls_token, tokens], dim=1))
        outputs = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index == len(self.layers) - 1:
                x = self.norm(x)
            if index in out_indices:
                outputs.append(x)
        return outputs

    def forward_visible(self, x: Tensor, visible: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Encode the visible patches alone; nothing of a hidden patch enters any layer.

        Args:
            x: Images, shape (B, C, H, W).
            visible: Indices of the visible patches, row-major over the grid, shape (B, n).

        Returns:
            Normalised tokens of the last layer, CLS first, shape (B, 1 + n, d), and the grid (h, w) of all patches.
        """
        tokens, grid = self.embed(x)
        tokens = tokens.gather(1, visible[..., None].expand(-1, -1, tokens.shape[-1]))
        return self.encode(tokens, (len(self.layers) - 1,))[0], grid

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            One map (B, d, h, w) for each of ``out_indices``.
        """
        tokens, grid = self.embed(x)
        return tuple(
            output[:, self.num_extra_tokens :].transpose(1, 2).unflatten(2, grid)
            for output in self.encode(tokens, self.out_indices)
        )
