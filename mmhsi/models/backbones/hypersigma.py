"""HyperSIGMA's two vision transformers, spatial and spectral (Wang et al. 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import resolve_out_indices
from ..layers import PatchEmbed, PrunableLayers, Tokens, ViTLayer, init_embedding, init_linear, patch_grid
from ..layers.sampled_attention import SampledAttention
from ..layers.spectral_embed import PooledSpectralEmbed
from .base import TransformerBackbone
from .vit_arch import ARCHS, ViTArch, drop_path_rates, resolve_arch

if TYPE_CHECKING:
    from collections.abc import Sequence


class SigmaLayer(ViTLayer):
    """:class:`ViTLayer` that takes the tokens' grid, and attends to few points of it where ``points`` is above 0.

    Args:
        sizes: Width, heads, MLP.
        drop_rate: Dropout.
        drop_path_rate: Stochastic depth.
        points: Of :class:`SampledAttention`; 0 for attention to all tokens.
    """

    def __init__(self, sizes: ViTArch, drop_rate: float, drop_path_rate: float, points: int) -> None:
        width, heads = sizes["embed_dims"], sizes["num_heads"]
        super().__init__(width, heads, sizes["feedforward_channels"], drop_rate, drop_path_rate)
        if points:
            self.attn = SampledAttention(width, heads, drop_rate, drop_path_rate, points)

    def forward(self, x: Tensor, grid: tuple[int, int] | None = None) -> Tensor:  # type: ignore[override]
        """Transform tokens.

        Args:
            x: Shape (B, n, d).
            grid: (h, w) with n = h · w. Default: a square.
        """
        seen = self.ln1(x)
        x = x + (self.attn(seen, grid) if isinstance(self.attn, SampledAttention) else self.attn(seen))
        return self.ffn(self.ln2(x), identity=x)


class HyperSIGMA(TransformerBackbone):
    """What both have in common: no CLS token, no positions, layers that may attend to few points.

    In pretraining every layer attends to all tokens. The authors fine-tune with sampled attention in all but every
    third layer (ViT-B; sixth of L, eighth of H), whose maps of offsets are new.

    Args:
        in_channels: Bands C of the input. Default 100, as in pretraining.
        arch: As for :class:`HSIViT`. Default ``'base'``.
        patch_size: Side of a patch in pixels. Default 8.
        interval: Every how-manieth layer attends to all tokens. Default 1: every one.
        points: Of sampled attention. Default 4.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size does not fit.
    """

    with_cls = False

    def __init__(
        self,
        in_channels: int = 100,
        arch: str | ViTArch = "base",
        patch_size: int = 8,
        interval: int = 1,
        points: int = 4,
        out_indices: Sequence[int] = (-1,),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        owner = type(self).__name__
        sizes = resolve_arch(arch, owner, ARCHS)
        check_sizes(owner, in_channels=in_channels, patch_size=patch_size, interval=interval, points=points)
        self.depth = depth = sizes["num_layers"]
        self.in_channels, self.embed_dims, self.patch_size = in_channels, sizes["embed_dims"], patch_size
        self.out_indices = resolve_out_indices(owner, out_indices, depth)
        self.layers = PrunableLayers(
            SigmaLayer(sizes, drop_rate, rate, 0 if (index + 1) % interval == 0 else points)
            for index, rate in enumerate(drop_path_rates(drop_path_rate, depth))
        )
        self.norm = nn.LayerNorm(self.embed_dims, eps=1e-6)
        init_linear(self.layers)
        for name, parameter in self.layers.named_parameters():
            if name.endswith("sampling_offsets.weight"):
                nn.init.trunc_normal_(parameter, std=0.02)
        self.make_embedding()

    def make_embedding(self) -> None:
        """Make what :meth:`embed` maps images to tokens by; at the end of the constructor."""
        raise NotImplementedError

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Run the layers; arguments as for :meth:`TransformerBackbone.encode`."""
        outputs = enumerate(self.layers.run(tokens.patches, None if self.num_blocks > 1 else tokens.grid))
        chosen = [self.norm(x) if index == self.depth - 1 else x for index, x in outputs if index in out_indices]
        return [tokens._replace(patches=x) for x in chosen]


@MODELS.register_module()
class HyperSIGMASpatial(HyperSIGMA):
    """A token for each patch across all bands.

    Pretrained on 100 bands of EO-1 Hyperion and Gaofen-5 by their number, not by their centres: for other data
    ``init_cfg=dict(…, input_layer='reinit')``, as the authors do.

    Arguments and errors as for :class:`HyperSIGMA`.
    """

    def make_embedding(self) -> None:
        """A linear map of each patch."""
        self.patch_embed = PatchEmbed(self.in_channels, self.embed_dims, self.patch_size)
        init_embedding(self.patch_embed)

    def embed(self, x: Tensor) -> Tokens:
        """Embed images; arguments and errors as for :meth:`TransformerBackbone.embed`."""
        self.centres(x, None)
        return Tokens(None, *self.patch_embed(x))


@MODELS.register_module()
class HyperSIGMASpectral(HyperSIGMA):
    """A token for each of some groups of bands across all pixels; the map is their mean, the same at every place.

    Bands are averaged to ``num_tokens`` groups of neighbours, of fewer bands some stand in two; any H × W is resampled
    to one patch (adaptive average pooling). No weight depends on the bands.

    Args:
        in_channels: Bands C of the input. Default 100, as in pretraining.
        arch: As for :class:`HSIViT`. Default ``'base'``.
        patch_size: Side of the one patch in pixels. Default 64.
        num_tokens: Groups of bands, a square number if attention is sampled. Default 100.
        interval: As for :class:`HyperSIGMA`. Default 1.
        points: Likewise. Default 8.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size does not fit.
    """

    def __init__(
        self,
        in_channels: int = 100,
        arch: str | ViTArch = "base",
        patch_size: int = 64,
        num_tokens: int = 100,
        interval: int = 1,
        points: int = 8,
        out_indices: Sequence[int] = (-1,),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            in_channels, arch, patch_size, interval, points, out_indices, drop_rate, drop_path_rate, init_cfg
        )
        check_sizes("HyperSIGMASpectral", num_tokens=num_tokens)
        if interval > 1 and round(num_tokens**0.5) ** 2 != num_tokens:
            raise ConfigError(f"HyperSIGMASpectral: num_tokens={num_tokens} given, sampled attention needs a square")
        self.num_blocks = num_tokens

    def make_embedding(self) -> None:
        """A linear map of each group's picture."""
        self.spectral_embed = PooledSpectralEmbed(self.embed_dims, 1, self.patch_size)
        init_linear(self.spectral_embed)

    def fixed_band_axes(self) -> dict[str, int]:
        """Nothing depends on the bands."""
        return {}

    def embed(self, x: Tensor) -> Tokens:
        """Embed groups of bands; arguments and errors as for :meth:`TransformerBackbone.embed`."""
        self.centres(x, None)
        groups = F.adaptive_avg_pool1d(x.flatten(2).transpose(1, 2), self.num_blocks).transpose(1, 2)
        tokens = self.spectral_embed(groups.unflatten(2, x.shape[2:]))
        return Tokens(None, tokens, patch_grid(x.shape[2:], self.patch_size))

    def to_map(self, tokens: Tokens) -> Tensor:
        """The mean of all tokens as a map (B, d, h, w); arguments as for :meth:`TransformerBackbone.to_map`."""
        return tokens.patches.mean(dim=1)[..., None, None].expand(-1, -1, *tokens.grid)
