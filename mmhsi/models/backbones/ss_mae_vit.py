"""The two branches of SS-MAE: a transformer on pixels beside one on bands (MRS paper §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ..checks import resolve_out_indices
from ..embeddings import build_embedding
from ..embeddings.bands import wavelength_code
from ..layers import (
    GatedFFN,
    PatchEmbed,
    PrunableLayers,
    Tokens,
    init_embedding,
    init_linear,
    patch_grid,
    prepend_tokens,
    resize_position_table,
    sinusoid_1d,
    take_tokens,
)
from ..layers.spectral_embed import PooledSpectralEmbed
from .base import TransformerBackbone
from .vit_arch import ViTArch, drop_path_rates, resolve_arch, vit_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARCHS: dict[str, ViTArch] = {
    "tiny": {"embed_dims": 64, "num_layers": 2, "num_heads": 4, "feedforward_channels": 256},
    "base": {"embed_dims": 256, "num_layers": 2, "num_heads": 8, "feedforward_channels": 1024},
}


def gated_layer(sizes: ViTArch, drop_rate: float, drop_path_rate: float) -> nn.Module:
    """One pre-norm transformer layer with a gated MLP.

    Args:
        sizes: Width, heads, MLP.
        drop_rate: Dropout.
        drop_path_rate: Stochastic depth.
    """
    layer = vit_layer(sizes, drop_rate, drop_path_rate)
    layer.ffn = GatedFFN(sizes["embed_dims"], sizes["feedforward_channels"], True, drop_path_rate)
    return layer


@MODELS.register_module()
class SSMAEViT(TransformerBackbone):
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
        in_channels: Bands C of the input, those of a second source counted; as for :class:`HSIViT`.
        arch: ``'tiny'`` (d 64, 4 heads, MLP 256: ours, for CPUs), ``'base'`` (d 256, 8 heads, MLP 1024), both of 2
            layers a branch, or a dict with ``embed_dims``, ``num_layers``, ``num_heads``, ``feedforward_channels``.
        window: P, side in pixels of the windows that spectral tokens and the position table are made for. Default 7.
        patch_size: Side in pixels of a spatial token. Default 1, the paper's.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        drop_rate: Dropout of the embedded tokens and after attention.
        drop_path_rate: Stochastic depth of the last layers; earlier ones less, linearly.
        embedding: Of the spatial branch, as for :class:`HSIViT`. Of any bands, the positions of the spectral branch,
            whose embedding fits any, are codes of the centres.
        wavelengths: As for :class:`HSIViT`.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size or name does not fit.
    """

    stages = ("spatial_layers", "spectral_layers")
    num_extra_tokens = 1  # CLS, before a branch's tokens
    spatial_positions: Tensor
    spectral_positions: Tensor

    def __init__(
        self,
        in_channels: int | None = None,
        arch: str | ViTArch = "base",
        window: int = 7,
        patch_size: int = 1,
        out_indices: Sequence[int] = (-1,),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        embedding: str | Mapping[str, object] = "fixed",
        wavelengths: Sequence[float] | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "SSMAEViT", ARCHS)
        depth, embed_dims = sizes["num_layers"], sizes["embed_dims"]
        self.expect_bands(embedding, in_channels, wavelengths)
        bands = 1 if self.any_bands else self.in_channels
        check_sizes("SSMAEViT", in_channels=bands, window=window, patch_size=patch_size)

        self.embed_dims = embed_dims
        self.out_channels = 2 * embed_dims  # of both branches
        self.depth = depth
        self.num_groups = bands  # a band is a group of one
        self.window = window
        self.patch_size = patch_size
        self.grid = patch_grid(window, patch_size)
        self.out_indices = resolve_out_indices("SSMAEViT", out_indices, depth)

        any_bands = build_embedding("SSMAEViT", embedding, embed_dims, patch_size, self.wavelengths)
        self.patch_embed = any_bands or PatchEmbed(bands, embed_dims, patch_size)
        self.spectral_embed = PooledSpectralEmbed(embed_dims, group_size=1, grid_size=window)
        # Not in the checkpoint: they follow from the config, and a checkpoint may be of another sensor or window.
        spatial_positions = sinusoid_1d(torch.arange(self.grid[0] * self.grid[1]), embed_dims)
        self.register_buffer("spatial_positions", spatial_positions[None], persistent=False)
        spectral_positions = sinusoid_1d(torch.arange(bands), embed_dims)
        self.register_buffer("spectral_positions", spectral_positions[None], persistent=False)
        self.spatial_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.spectral_cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)
        rates = drop_path_rates(drop_path_rate, depth)
        self.spatial_layers = PrunableLayers(gated_layer(sizes, drop_rate, rate) for rate in rates)
        self.spectral_layers = PrunableLayers(gated_layer(sizes, drop_rate, rate) for rate in rates)
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)

        nn.init.normal_(self.spatial_cls_token, std=0.02)
        nn.init.normal_(self.spectral_cls_token, std=0.02)
        init_embedding(self.patch_embed)
        for module in (self.spectral_embed, self.spatial_layers, self.spectral_layers):
            init_linear(module)

    def embed(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Embed images into tokens of pixels and of bands and add positions.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Centres of the bands in nm. Default: the backbone's own.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``, or centres are needed and missing.
        """
        centres = self.centres(x, wavelengths)
        pixels, grid = self.patch_embed(x, *centres)
        pixels = pixels + resize_position_table(self.spatial_positions, self.grid, grid)
        positions = (
            wavelength_code(centres[0], self.embed_dims, self.spatial_cls_token) if centres else self.spectral_positions
        )
        return Tokens(None, pixels, grid, None, self.spectral_embed(x) + positions)

    def encode_branch(self, layers: PrunableLayers, tokens: Tensor, cls_token: Tensor) -> list[Tensor]:
        """Prepend CLS and run the layers of one branch.

        Args:
            layers: ``spatial_layers`` or ``spectral_layers``.
            tokens: Tokens with positions added, any number of them, shape (B, n, d).
            cls_token: The branch's CLS token, shape (1, 1, d).

        Returns:
            The output of every layer, the last normalised, each (B, 1 + n, d); a pruned layer's is its input.
        """
        x = self.drop_after_pos(prepend_tokens(tokens, cls_token))
        *outputs, last = layers.run(x)
        return [*outputs, self.norm(last)]

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Run both branches; arguments as for :meth:`TransformerBackbone.encode`."""
        spatial = self.encode_branch(self.spatial_layers, tokens.patches, self.spatial_cls_token)
        spectral = self.encode_branch(self.spectral_layers, tokens.spectral_tokens(), self.spectral_cls_token)
        pairs = [(spatial[index], spectral[index]) for index in out_indices]
        return [Tokens(x[:, 0], x[:, 1:], tokens.grid, y[:, 0], y[:, 1:]) for x, y in pairs]

    def forward_visible(
        self, x: Tensor, visible: Tensor, visible_bands: Tensor, wavelengths: Sequence[float] | None = None
    ) -> Tokens:
        """Encode what each branch may see; nothing of a token that is hidden from a branch enters its layers.

        Args:
            x: Images, shape (B, C, H, W).
            visible: Indices of pixel tokens, row-major over the grid, shape (B, n).
            visible_bands: Indices of bands, shape (B, m).
            wavelengths: As for :meth:`embed`.
        """
        tokens = self.embed(x, wavelengths)
        pixels, bands = take_tokens(tokens.patches, visible), take_tokens(tokens.spectral_tokens(), visible_bands)
        return self.encode_last(tokens._replace(patches=pixels, spectral=bands))

    def last_attention(self) -> dict[str, nn.Module]:
        """Attention of both branches' last layers."""
        layers = {"spatial": self.spatial_layers[-1], "spectral": self.spectral_layers[-1]}
        return {stream: layer.get_submodule("attn") for stream, layer in layers.items()}

    def to_map(self, tokens: Tokens) -> Tensor:
        """Make a map (B, 2 · d, h, w): the pixel tokens, then the mean of the band tokens, the same at every place.

        The arguments are as for :meth:`TransformerBackbone.to_map`.
        """
        spatial, spectral = tokens.to_map(), tokens.spectral_tokens().mean(dim=1)
        return torch.cat([spatial, spectral[:, :, None, None].expand_as(spatial)], dim=1)
