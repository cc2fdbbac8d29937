"""The two branches of SS-MAE: a transformer on pixels beside one on bands (MRS paper §2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import PatchEmbed, init_linear, resize_position_table, sinusoid_1d
from ..layers.gated_ffn import GatedFFN
from ..layers.prunable import PrunableLayers
from ..layers.spectral_embed import PooledSpectralEmbed
from .spatial_spectral_vit import SpatialSpectralTokens
from .vit_arch import ViTArch, resolve_arch, vit_layer

ARCHS: dict[str, ViTArch] = {
    "tiny": {"embed_dims": 64, "num_layers": 2, "num_heads": 4, "feedforward_channels": 256},
    "base": {"embed_dims": 256, "num_layers": 2, "num_heads": 8, "feedforward_channels": 1024},
}


def _resolve_arch(arch: str | ViTArch) -> ViTArch:
    """Look a preset of this family up, or check a dict of sizes."""
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise ConfigError(f"SSMAEViT: arch={arch!r} is unknown, expected one of {', '.join(ARCHS)} or a dict")
        return ARCHS[arch]
    return resolve_arch(arch, "SSMAEViT")


def gated_layer(sizes: ViTArch, drop_rate: float, drop_path_rate: float) -> nn.Module:
    """One pre-norm transformer layer with a gated MLP.

    Args:
        sizes: Width, heads, MLP.
        drop_rate: Dropout.
        drop_path_rate: Stochastic depth.
    """
    layer = vit_layer(sizes, "origin", 0.0, drop_rate, drop_path_rate)
    drop_path = dict(type="DropPath", drop_prob=drop_path_rate)
    layer.ffn = GatedFFN(sizes["embed_dims"], sizes["feedforward_channels"], drop_path)
    return layer


@MODELS.register_module()
class SSMAEViT(BaseModule):
    """Spatial and spectral transformer of SS-MAE, which do not exchange.

    The spatial branch has a token for each pixel, a linear map of its spectrum; the spectral branch one for each band,
    a linear map of its P x P pixels. Each has a CLS token, fixed 1-D sinusoidal positions of the tokens' indices, and
    layers with a gated MLP of its own; the final LayerNorm is shared. Bands of a second source are further bands.

    Any H x W is taken: bands of another size than P x P are resampled to it (adaptive average pooling), the spatial
    positions are interpolated (bicubic), sides that a patch does not divide are padded by repeating the last row and
    column. Pretraining takes P x P alone.

    ``'base'`` is the paper's: with 51 bands and P = 7 it has the public code's 4,238,848 parameters:

    =======================================  =========
    4 layers of 1,052,928                    4,211,712
    spatial embedding 51 -> 256                 13,312
    spectral embedding 7 · 7 -> 256             12,800
    2 CLS, final LayerNorm                       1,024
    =======================================  =========

    Args:
        in_channels: Bands C of the input, those of a second source counted.
        arch: ``'tiny'`` (d 64, 4 heads, MLP 256: ours, for CPUs), ``'base'`` (d 256, 8 heads, MLP 1024), both of 2
            layers a branch, or a dict with ``embed_dims``, ``num_layers``, ``num_heads``, ``feedforward_channels``.
        window: P, side in pixels of the windows that spectral tokens and the position table are made for. Default 7.
        patch_size: Side in pixels of a spatial token. Default 1, the paper's.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        drop_rate: Dropout of the embedded tokens and after attention.
        drop_path_rate: Stochastic depth of the last layers; earlier ones less, linearly.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size or name does not fit.
    """

    spatial_positions: Tensor
    spectral_positions: Tensor

    def __init__(
        self,
        in_channels: int,
        arch: str | ViTArch = "base",
        window: int = 7,
        patch_size: int = 1,
        out_indices: Sequence[int] = (-1,),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = _resolve_arch(arch)
        depth, embed_dims = sizes["num_layers"], sizes["embed_dims"]
        for name, value in (("in_channels", in_channels), ("window", window), ("patch_size", patch_size)):
            if value < 1:
                raise ConfigError(f"SSMAEViT: {name}={value} given, expected at least 1")
        if not out_indices or not all(-depth <= index < depth for index in out_indices):
            raise ConfigError(f"SSMAEViT: out_indices={tuple(out_indices)} must lie in -{depth} to {depth - 1}")

        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.window = window
        self.patch_size = patch_size
        self.grid = (-(-window // patch_size),) * 2
        self.out_indices = tuple(index % depth for index in out_indices)

        self.patch_embed = PatchEmbed(in_channels, embed_dims, patch_size)
        self.spectral_embed = PooledSpectralEmbed(embed_dims, group_size=1, grid_size=window)
        # Not in the checkpoint: they follow from the config, and a checkpoint may be of another sensor or window.
        spatial_positions = sinusoid_1d(torch.arange(self.grid[0] * self.grid[1]), embed_dims)
        self.register_buffer("spatial_positions", spatial_positions[None], persistent=False)
        spectral_positions = sinusoid_1d(torch.arange(in_channels), embed_dims)
        self.register_buffer("spectral_positions", spectral_positions[None], persistent=False)
        self.spatial_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)
        rates = [drop_path_rate * index / max(depth - 1, 1) for index in range(depth)]
        self.spatial_layers = PrunableLayers(gated_layer(sizes, drop_rate, rate) for rate in rates)
        self.spectral_layers = PrunableLayers(gated_layer(sizes, drop_rate, rate) for rate in rates)
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)

    def init_weights(self) -> None:
        """Fill CLS tokens and all linear maps; then what ``init_cfg`` says."""
        nn.init.normal_(self.spatial_cls_token, std=0.02)
        nn.init.normal_(self.spectral_cls_token, std=0.02)
        weight = self.patch_embed.projection.weight
        nn.init.xavier_uniform_(weight.view(weight.shape[0], -1))
        nn.init.zeros_(self.patch_embed.projection.bias)
        for module in (self.spectral_embed, self.spatial_layers, self.spectral_layers):
            init_linear(module)
        super().init_weights()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"patch_embed.projection.weight": 1}

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Residual layers that :mod:`mmhsi.models.pruning` may skip."""
        return {"spatial_layers": self.spatial_layers, "spectral_layers": self.spectral_layers}

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.

        Returns:
            Depth (0 for embeddings and CLS, i + 1 for layer i of either branch, the last for everything after) and the
            number of depths.
        """
        depths = len(self.spatial_layers) + 2
        first, _, rest = param_name.removeprefix(prefix).partition(".")
        if param_name.startswith(prefix) and first in ("spatial_layers", "spectral_layers"):
            return int(rest.partition(".")[0]) + 1, depths
        embedding = ("patch_embed", "spectral_embed", "spatial_cls_token", "spectral_cls_token")
        return (0 if param_name.startswith(prefix) and first in embedding else depths - 1), depths

    def embed(self, x: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
        """Embed images and add positions.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            Pixel tokens (B, h · w, d), band tokens (B, C, d), both without CLS, and the grid (h, w).

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``.
        """
        if x.shape[1] != self.in_channels:
            raise ConfigError(
                f"{type(self).__name__}: input has {x.shape[1]} bands, the model expects in_channels={self.in_channels}"
            )
        pixels, grid = self.patch_embed(x)
        pixels = pixels + resize_position_table(self.spatial_positions, self.grid, grid)
        return pixels, self.spectral_embed(x) + self.spectral_positions, grid

    def encode_branch(self, layers: PrunableLayers, tokens: Tensor, cls_token: Tensor) -> list[Tensor]:
        """Prepend CLS and run the layers of one branch.

        Args:
            layers: ``spatial_layers`` or ``spectral_layers``.
            tokens: Tokens with positions added, any number of them, shape (B, n, d).
            cls_token: The branch's CLS token, shape (1, 1, d).

        Returns:
            The output of every layer, the last normalised, each (B, 1 + n, d); a pruned layer's is its input.
        """
        x = self.drop_after_pos(torch.cat([cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1))
        outputs = []
        for index, layer in enumerate(layers):
            if not layers.is_pruned(index):
                x = layer(x)
            outputs.append(x)
        outputs[-1] = self.norm(x)
        return outputs

    def encode(self, pixels: Tensor, bands: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Run both branches on tokens (B, n, d) and (B, m, d); CLS and tokens of both after every layer.

        Args:
            pixels: Tokens of pixels, CLS first, shape (B, n, d).
            bands: Tokens of bands, CLS first, shape (B, m, d).
        """
        spatial = self.encode_branch(self.spatial_layers, pixels, self.spatial_cls_token)
        spectral = self.encode_branch(self.spectral_layers, bands, self.spectral_cls_token)
        return list(zip(spatial, spectral, strict=True))

    def encode_visible(self, x: Tensor, visible_pixels: Tensor, visible_bands: Tensor) -> tuple[Tensor, Tensor]:
        """Encode what each branch may see; nothing of a token that is hidden from a branch enters its layers.

        Args:
            x: Images, shape (B, C, H, W).
            visible_pixels: Indices of pixel tokens, row-major over the grid, shape (B, n).
            visible_bands: Indices of bands, shape (B, m).

        Returns:
            Normalised tokens of the last layers, CLS first: (B, 1 + n, d) and (B, 1 + m, d).
        """
        pixels, bands, _ = self.embed(x)
        pixels = pixels.gather(1, visible_pixels[..., None].expand(-1, -1, self.embed_dims))
        bands = bands.gather(1, visible_bands[..., None].expand(-1, -1, self.embed_dims))
        return self.encode(pixels, bands)[-1]

    def forward_tokens(self, x: Tensor) -> SpatialSpectralTokens:
        """Encode images (B, C, H, W) to the normalised tokens of both branches' last layers.

        Args:
            x: Images, shape (B, C, H, W).
        """
        pixels, bands, grid = self.embed(x)
        spatial, spectral = self.encode(pixels, bands)[-1]
        return SpatialSpectralTokens(spatial[:, 0], spatial[:, 1:], spectral[:, 0], spectral[:, 1:], grid)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            One map (B, 2 · d, h, w) for each of ``out_indices``: the pixel tokens, then the mean of the band tokens,
            the same at every place.
        """
        pixels, bands, grid = self.embed(x)
        outputs = self.encode(pixels, bands)
        maps = []
        for index in self.out_indices:
            spatial, spectral = outputs[index]
            spatial = spatial[:, 1:].transpose(1, 2).unflatten(2, grid)  # (B, N, d) -> (B, d, h, w)
            spectral = spectral[:, 1:].mean(dim=1)[:, :, None, None].expand_as(spatial)
            maps.append(torch.cat([spatial, spectral], dim=1))
        return tuple(maps)
