"""Vision transformer on pixel tokens (IMAE paper, Kong et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import resolve_out_indices
from ..embeddings import BandEmbed, build_embedding
from ..layers import Tokens, init_linear, prepend_tokens, take_tokens
from .base import TransformerBackbone
from .vit_arch import ViTArch, resolve_arch, vit_layers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARCHS: dict[str, ViTArch] = {
    "tiny": {"embed_dims": 64, "num_layers": 4, "num_heads": 4, "feedforward_channels": 256},
    "paper": {"embed_dims": 256, "num_layers": 4, "num_heads": 8, "feedforward_channels": 1024},
}


class SpectralEmbed(nn.Module):
    """Embed each pixel's spectrum: a 1 × 1, a 1 × 1 × c and a 1 × 1 convolution (IMAE paper, eq. 1 to 4).

    All three are linear maps of single pixels, and are run as such, with GELU between them: without it they would be
    one linear map. The second slides along the m channels that the first one makes of the bands. Where the last step
    reaches beyond them, as the ceiling of eq. 3 wants, zeros follow.

    Args:
        in_channels: Bands b. Only ``input_layer`` depends on them.
        embed_dims: Token width d.
        channels: m, what the first convolution gives.
        kernel_size: c, extent of the second along the m channels.
        stride: s, its step.
        filters: Kernels of the second.
        any_bands: Takes the place of the first convolution, for bands that are told by their centres; with tokens of m
            channels and patches of one pixel.

    Raises:
        ConfigError: If a size is below 1, or c above m.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int,
        channels: int,
        kernel_size: int,
        stride: int,
        filters: int,
        any_bands: BandEmbed | None = None,
    ) -> None:
        super().__init__()
        if (
            min(in_channels if any_bands is None else 1, channels, kernel_size, stride, filters) < 1
            or kernel_size > channels
        ):
            raise ConfigError(
                f"SpectralEmbed: in_channels={in_channels}, channels={channels}, kernel_size={kernel_size}, "
                f"stride={stride}, filters={filters} given, expected positive sizes and kernel_size <= channels"
            )
        self.kernel_size = kernel_size
        self.stride = stride
        self.steps = -(-(channels - kernel_size) // stride) + 1  # eq. 3
        self.padding = (self.steps - 1) * stride + kernel_size - channels
        self.input_layer = any_bands or nn.Linear(in_channels, channels)
        self.sliding_layer = nn.Linear(kernel_size, filters)
        self.output_layer = nn.Linear(self.steps * filters, embed_dims)

    def forward(self, x: Tensor, *centres: Sequence[float]) -> Tensor:
        """Embed pixels (…, b) into (…, d); of any bands images (B, b, H, W) into (B, H, W, d).

        Args:
            x: Pixels, shape (…, b), or images.
            *centres: Of any bands their centres in nm.
        """
        if isinstance(self.input_layer, BandEmbed):
            x, grid = self.input_layer(x, *centres)
            x = x.unflatten(1, grid)
        else:
            x = self.input_layer(x)
        x = F.pad(F.gelu(x), (0, self.padding))
        x = self.sliding_layer(x.unfold(-1, self.kernel_size, self.stride))  # (…, steps, filters)
        return self.output_layer(F.gelu(x).flatten(-2))


class ConditionalPosition(nn.Conv2d):
    """Position term of a map of tokens, made of each token's neighbourhood: a depth-wise convolution (eq. 5).

    Args:
        embed_dims: Token width d.
        kernel_size: Odd side of the neighbourhood. Default 3. Zeros surround the map, which shows where it ends.

    Raises:
        ConfigError: If ``kernel_size`` is even or below 1.
    """

    def __init__(self, embed_dims: int, kernel_size: int = 3) -> None:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ConfigError(f"ConditionalPosition: kernel_size={kernel_size} given, expected an odd positive number")
        super().__init__(embed_dims, embed_dims, kernel_size, padding=kernel_size // 2, groups=embed_dims)


@MODELS.register_module()
class IMAEViT(TransformerBackbone):
    """Vision transformer with a token for every pixel and one that stands for the window's centre, ``ins_token``.

    Takes windows of any H × W: there is no position table, a token's position term comes from its neighbours (eq. 5).
    Only ``spectral_embed.input_layer`` depends on the bands; for another sensor it alone is replaced, or with
    ``embedding`` it takes any bands.

    The position term alone cannot tell the centre of a window from another pixel well inside it, and the paper's
    architecture has nothing else that could. So the centre's embedding is marked by a learned vector, before the
    position term spreads it to the neighbours; ``mark_center=False`` is the paper's architecture.

    For pretraining, hidden pixels are left out (:meth:`forward_visible`). The position term mixes neighbours, so the
    embedding of a hidden pixel is set to zero before it: no value of a hidden pixel reaches a visible token. In the
    paper the pixels are masked after it.

    Args:
        in_channels: Bands b of the input; as for :class:`HSIViT`.
        arch: ``'paper'`` (d 256, 4 layers, 8 heads), ``'tiny'`` (d 64, 4 layers, 4 heads: ours, for CPUs and few
            labels) or a dict with ``embed_dims``, ``num_layers``, ``num_heads``, ``feedforward_channels``.
        spectral_channels: m of the spectral embedding (:class:`SpectralEmbed`). Default 64.
        spectral_kernel: c, its extent along the m channels. Default 8.
        spectral_stride: s, its step. Default 4.
        spectral_filters: Its kernels. Default 16.
        position_kernel: Odd side of the neighbourhood that a position term is made of. Default 3.
        mark_center: Whether the centre pixel is marked. Default True.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        with_ins_token: Whether ``forward`` gives the ins token (B, d) before the maps, as
            :class:`mmhsi.models.LearnableAggregation` needs. Default False.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        embedding: What the first convolution is, as for :class:`HSIViT`; of any bands it gives the m channels.
        wavelengths: As for :class:`HSIViT`.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.',
            input_layer='reinit')``.

    Raises:
        ConfigError: If a size does not fit.
    """

    patch_size = 1
    embeds_pixels = True
    num_extra_tokens = 1  # ins_token, before the pixels' tokens

    def __init__(
        self,
        in_channels: int | None = None,
        arch: str | ViTArch = "paper",
        spectral_channels: int = 64,
        spectral_kernel: int = 8,
        spectral_stride: int = 4,
        spectral_filters: int = 16,
        position_kernel: int = 3,
        mark_center: bool = True,
        out_indices: Sequence[int] = (-1,),
        with_ins_token: bool = False,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        embedding: str | Mapping[str, object] = "fixed",
        wavelengths: Sequence[float] | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "IMAEViT", ARCHS)
        self.depth = depth = sizes["num_layers"]
        self.expect_bands(embedding, in_channels, wavelengths)
        self.embed_dims = sizes["embed_dims"]
        self.out_indices = resolve_out_indices("IMAEViT", out_indices, depth)
        self.with_ins_token = with_ins_token

        self.spectral_embed = SpectralEmbed(
            self.in_channels,
            self.embed_dims,
            spectral_channels,
            spectral_kernel,
            spectral_stride,
            spectral_filters,
            build_embedding("IMAEViT", embedding, spectral_channels, self.patch_size, self.wavelengths),
        )
        self.position = ConditionalPosition(self.embed_dims, position_kernel)
        self.ins_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        self.centre_mark = nn.Parameter(torch.zeros(1, self.embed_dims, 1, 1)) if mark_center else None
        self.layers = vit_layers(sizes, drop_rate, drop_path_rate)
        self.norm = nn.LayerNorm(self.embed_dims, eps=1e-6)

        init_linear(self)
        nn.init.normal_(self.ins_token, std=0.02)
        if self.centre_mark is not None:
            nn.init.normal_(self.centre_mark)

    def fixed_band_axes(self) -> dict[str, int]:
        """Weights that depend on fixed bands, and the axis of the bands."""
        return {"spectral_embed.input_layer.weight": 1}

    def embed(self, x: Tensor, hidden: Tensor | None = None, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Embed the pixels of windows and add their position terms.

        Args:
            x: Windows, shape (B, C, H, W).
            hidden: Pixels of which nothing may be used, bool (B, H · W); None for none.
            wavelengths: Centres of the bands in nm. Default: the backbone's own.

        Returns:
            Tokens of all pixels, those of hidden ones of no meaning.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``, or centres are needed and missing.
        """
        return self._placed(self._spectra(x, wavelengths), hidden)

    def _spectra(self, x: Tensor, wavelengths: Sequence[float] | None) -> Tensor:
        """What is made of the spectrum of every pixel alone, (B, d, H, W)."""
        centres = self.centres(x, wavelengths)
        return self.spectral_embed(x if self.any_bands else x.permute(0, 2, 3, 1), *centres).permute(0, 3, 1, 2)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """What is made of the spectra of single pixels, (B, C, H, W) to (B, d, H, W).

        Args:
            x: Images, shape (B, C, H, W).
        """
        return self._spectra(x, None)

    def forward_embedded(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Maps of windows, as :meth:`forward`, of what :meth:`embed_pixels` made of their pixels.

        Args:
            pixels: Shape (B, d, H, W).
        """
        return self._maps(self._placed(pixels, None))

    def _placed(self, maps: Tensor, hidden: Tensor | None) -> Tokens:
        """Mark the centre and add the position terms; nothing of hidden pixels enters them."""
        height, width = maps.shape[2:]
        if hidden is not None:
            maps = maps.masked_fill(hidden.view(-1, 1, height, width), 0.0)
        if self.centre_mark is not None:
            row, column = height // 2, width // 2
            mark = F.pad(self.centre_mark, (column, width - 1 - column, row, height - 1 - row))
            maps = maps + mark.to(maps.dtype)
        maps = maps + self.position(maps)
        return Tokens(None, maps.flatten(2).transpose(1, 2), (height, width))

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Prepend the ins token, here the CLS of the tokens, and run the layers; see :class:`TransformerBackbone`.

        The arguments are as for :meth:`TransformerBackbone.encode`.
        """
        outputs = enumerate(self.layers.run(prepend_tokens(tokens.patches, self.ins_token)))
        chosen = [self.norm(x) if index == self.depth - 1 else x for index, x in outputs if index in out_indices]
        return [Tokens(x[:, 0], x[:, 1:], tokens.grid) for x in chosen]

    def forward_visible(self, x: Tensor, visible: Tensor, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Encode the visible pixels alone; nothing of a hidden pixel enters any layer.

        Args:
            x: Windows, shape (B, C, H, W).
            visible: Indices of the visible pixels, row-major, shape (B, n).
            wavelengths: As for :meth:`embed`.
        """
        hidden = torch.ones(len(x), x.shape[2] * x.shape[3], dtype=torch.bool, device=x.device)
        tokens = self.embed(x, hidden.scatter_(1, visible, False), wavelengths)
        return self.encode_last(tokens._replace(patches=take_tokens(tokens.patches, visible)))

    def last_attention(self) -> dict[str, nn.Module]:
        """Attention of the last layer."""
        return {"spatial": self.layers[-1].get_submodule("attn")}

    def forward(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        """Encode windows.

        Args:
            x: Windows, shape (B, C, H, W).
            wavelengths: As for :meth:`embed`.

        Returns:
            One map (B, d, H, W) for each of ``out_indices``; with ``with_ins_token`` before them the ins token (B, d)
            of the last one's layer.
        """
        return self._maps(self.embed(x, None, wavelengths))

    def _maps(self, tokens: Tokens) -> tuple[Tensor, ...]:
        outputs = self.encode(tokens, self.out_indices)
        maps = tuple(tokens.to_map() for tokens in outputs)
        ins = outputs[-1].cls if self.with_ins_token else None
        return maps if ins is None else (ins, *maps)
