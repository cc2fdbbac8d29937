"""Spectral-spatial transformer network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_choice, check_sizes
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit

STEMS = ("pointwise", "linear", "strided")
STRIDED_KERNEL, STRIDED_STEP = 7, 2


class SpatialAttention(nn.Module):
    """One-headed attention among the pixels of a map, gated by a scalar that starts at 0, then ReLU and batch norm.

    Args:
        channels: Channels of the map.
        ratio: How much narrower queries and keys are.
    """

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, max(channels // ratio, 1), 1)
        self.key = nn.Conv2d(channels, max(channels // ratio, 1), 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.zeros(1))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Attend, map (B, d, h, w) to the same shape.

        Args:
            x: Shape (B, d, h, w).
        """
        query, key, value = (layer(x).flatten(2).transpose(1, 2) for layer in (self.query, self.key, self.value))
        out = F.scaled_dot_product_attention(query, key, value, scale=1.0)  # no 1/sqrt(d) in the paper
        return self.norm(F.relu(self.gate * out.transpose(1, 2).reshape(x.shape)))


class SpatialBlock(nn.Module):
    """Block "A" of the paper: two attentions, one after the other, and a residual.

    Args:
        channels: Channels of the map.
        ratio: How much narrower queries and keys are.
    """

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.attentions = nn.Sequential(SpatialAttention(channels, ratio), SpatialAttention(channels, ratio))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, d, h, w) to the same shape.

        Args:
            x: Shape (B, d, h, w).
        """
        return F.relu(x + self.attentions(x))


class SpectralBlock(nn.Module):
    """Block "E" of the paper: the map rebuilt from few spectra, twice, and a residual.

    Masks over the pixels, one for each of m kernels, gather m spectra of the map and spread them again. The second
    time masks are made of what the first time gave, and spectra are gathered from the input.
    """

    def __init__(self, channels: int, kernels: int) -> None:
        super().__init__()
        self.masks = nn.ModuleList(nn.Conv2d(channels, kernels, 1) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, d, h, w) to the same shape.

        Args:
            x: Shape (B, d, h, w).
        """
        first = self.norms[0](associate(x, self.masks[0](x)))
        return self.norms[1](associate(x, self.masks[1](first)) + x)


def associate(x: Tensor, masks: Tensor) -> Tensor:
    """Sum over the masks of what each spreads of the spectrum that it gathers, negative values damped.

    Args:
        x: Map, shape (B, d, h, w).
        masks: Before the softmax over pixels, shape (B, m, h, w).

    Returns:
        Shape (B, d, h, w).
    """
    weights = masks.flatten(2).softmax(dim=-1)
    spectra = x.flatten(2) @ weights.transpose(1, 2)  # (B, d, m)
    # LeakyReLU keeps the sign of its input, and weights are positive: it may be taken before they are multiplied.
    return (F.leaky_relu(spectra) @ weights).reshape(x.shape)


@MODELS.register_module()
class SSTN(QuietInit):
    """Spectral-spatial transformer network of the architecture "AEAE", which the paper's search found.

    Z. Zhong, Y. Li, L. Ma, J. Li, W.-S. Zheng, Spectral-spatial transformer network for hyperspectral image
    classification: a factorized architecture search framework, IEEE TGRS 60, 2022; public code: zilongzhong/SSTN.
    Spatial attention and spectral association take turns, first on ``channels``, then on ``embed_dims``. With
    mmpretrain's ``GlobalAveragePooling`` and ``LinearClsHead`` behind it it gives the public code's logits, and
    :func:`mmhsi.models.weights.public_state` carries the public weights over.

    Takes any H × W from 1 × 1; the paper's windows have 9 × 9 pixels.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Channels d of the second half, and kernels of the spectral blocks. Default 18, the public code's
            for Pavia; 16 for Indian Pines and 13 for KSC.
        channels: Channels of the first half. Default 49, the public code's. Not used by a strided stem.
        ratio: How much narrower queries and keys are. Default 8; 4 for KSC.
        stem: What takes bands to channels: ``'pointwise'``, a 1 × 1 convolution, LeakyReLU and batch norm (Pavia);
            ``'linear'``, the same without LeakyReLU and with biases (Indian Pines); ``'strided'``, one kernel of 7
            bands at every second band, of which the channels follow (KSC). Default ``'pointwise'``. Weights of a
            strided stem cannot be carried over to other bands.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1, the stem is unknown, or a strided one has fewer than 7 bands.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 18,
        channels: int = 49,
        ratio: int = 8,
        stem: str = "pointwise",
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("SSTN", in_channels=in_channels, embed_dims=embed_dims, channels=channels, ratio=ratio)
        check_choice("SSTN", "stem", stem, STEMS)
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.stem_kind = stem
        self.stem: nn.Conv1d | nn.Conv2d
        if stem == "strided":
            check_sizes("SSTN", bands_of_the_strided_stem=in_channels - STRIDED_KERNEL + 1)
            channels = (in_channels - STRIDED_KERNEL) // STRIDED_STEP + 1
            self.stem = nn.Conv1d(1, 1, STRIDED_KERNEL, STRIDED_STEP, bias=False)
        else:
            self.stem = nn.Conv2d(in_channels, channels, 1, bias=stem == "linear")
        self.stem_norm = nn.BatchNorm2d(channels)
        self.wide = nn.Sequential(SpatialBlock(channels, ratio), SpectralBlock(channels, embed_dims))
        self.reduce = nn.Conv2d(channels, embed_dims, 1)
        self.reduce_norm = nn.BatchNorm2d(embed_dims)
        self.narrow = nn.Sequential(SpatialBlock(embed_dims, ratio), SpectralBlock(embed_dims, embed_dims))

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {} if self.stem_kind == "strided" else {"stem.weight": 1}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, h, w).

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("SSTN", x, self.in_channels)
        if self.stem_kind == "strided":
            spectra = self.stem(x.permute(0, 2, 3, 1).flatten(0, 2)[:, None])[:, 0]  # a row a pixel
            x = spectra.unflatten(0, (len(x), *x.shape[2:])).permute(0, 3, 1, 2)
        else:
            x = self.stem(x)
        x = self.stem_norm(F.leaky_relu(x) if self.stem_kind == "pointwise" else x)
        x = self.reduce_norm(F.leaky_relu(self.reduce(self.wide(x))))
        return (self.narrow(x),)
