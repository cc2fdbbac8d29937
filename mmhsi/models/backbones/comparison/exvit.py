"""Extended vision transformer for two sources."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...layers import resize_position_table
from ...layers.transformer_layer import TransformerLayer
from ...quiet_init import QuietInit

STREAM_LAYERS, JOINT_LAYERS = 4, 2
"""Layers of each source's stream, and over both."""


def separable(bands: int, channels: int) -> nn.Sequential:
    """Three depth-wise and point-wise convolutions, each pair with batch norm and GELU: c, 2 c and 4 c channels."""
    layers: list[nn.Module] = []
    for before, after in ((bands, channels), (channels, 2 * channels), (2 * channels, 4 * channels)):
        layers += [
            nn.Conv2d(before, before, 3, padding=1, groups=before),
            nn.Conv2d(before, after, 1),
            nn.BatchNorm2d(after),
            nn.GELU(),
        ]
    return nn.Sequential(*layers)


class SourceStream(nn.Module):
    """One source's pixels as tokens, and the layers that they have for themselves.

    Args:
        bands: Bands of the source.
        channels: Channels of the first convolution.
        layers: Transformer layers.
        sizes: Arguments of a layer, ``embed_dims`` first.
    """

    def __init__(self, bands: int, channels: int, layers: int, sizes: tuple[int, int, int, int, float]) -> None:
        super().__init__()
        self.convolutions = separable(bands, channels)
        self.embed = nn.Linear(4 * channels, sizes[0])
        self.drop = nn.Dropout(sizes[-1])
        self.layers = nn.Sequential(*(TransformerLayer(*sizes) for _ in range(layers)))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Encode images (B, C, h, w) into tokens (B, h · w, d).

        Args:
            x: Shape (B, C, h, w).
            positions: Shape (1, h · w, d).
        """
        tokens = self.embed(self.convolutions(x).flatten(2).transpose(1, 2))
        return self.layers(self.drop(tokens + positions))


@MODELS.register_module()
class ExViT(QuietInit):
    """A stream of separable convolutions and transformer layers for each source, then joint layers over both.

    J. Yao, B. Zhang, C. Li, D. Hong, J. Chanussot, Extended vision transformer (ExViT) for land use and land cover
    classification: a multimodal deep learning framework, IEEE TGRS 61, 2023; public code: jingyao16/ExViT. Every pixel
    of either source is a token; both streams share one table of positions. Attention over all tokens is where the
    sources meet, and a softmax over them weighs the sum that is classified. With mmpretrain's
    ``GlobalAveragePooling``, which changes nothing, and ``LinearClsHead`` behind it it gives the public code's logits,
    and :func:`mmhsi.models.weights.public_state` carries the public weights over.

    Takes any H × W; positions are interpolated from the window they were made for.

    Args:
        in_channels: Bands C of the input, those of the second source counted.
        second_bands: Bands of the second source, the last of C. Default 0: there is none, and one stream.
        embed_dims: Width d of tokens. Default 64.
        window: Side of the windows that the position table is made for. Default 13.
        channels: Channels of the first convolution. Default 16.
        num_heads: Heads, 16 wide each. Default 4.
        feedforward_channels: Hidden units of the MLPs. Default 32.
        drop_rate: Dropout of embeddings and layers. Default 0.1.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1, or the second source has not fewer bands than there are.
    """

    def __init__(
        self,
        in_channels: int,
        second_bands: int = 0,
        embed_dims: int = 64,
        window: int = 13,
        channels: int = 16,
        num_heads: int = 4,
        feedforward_channels: int = 32,
        drop_rate: float = 0.1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("ExViT", in_channels=in_channels, embed_dims=embed_dims, window=window, channels=channels)
        if not 0 <= second_bands < in_channels:
            raise ConfigError(
                f"ExViT: second_bands={second_bands} given, expected 0 to {in_channels - 1}, fewer than "
                f"in_channels={in_channels}"
            )
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.grid = (window, window)
        sizes = (embed_dims, num_heads, 16, feedforward_channels, drop_rate)
        self.sources = [in_channels - second_bands] + ([second_bands] if second_bands else [])
        self.pos_embed = nn.Parameter(torch.randn(1, window**2, embed_dims))
        self.streams = nn.ModuleList(SourceStream(bands, channels, STREAM_LAYERS, sizes) for bands in self.sources)
        self.joint = nn.Sequential(*(TransformerLayer(*sizes) for _ in range(JOINT_LAYERS)))
        self.weigh = nn.Sequential(nn.LayerNorm(embed_dims), nn.Linear(embed_dims, 1))
        self.norm = nn.LayerNorm(embed_dims)

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands of the cube, and the axis of the bands."""
        first = "streams.0.convolutions"
        return {f"{first}.0.weight": 0, f"{first}.0.bias": 0, f"{first}.1.weight": 1}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, 1, 1).

        Args:
            x: Windows, shape (B, C, h, w), the second source behind the cube.
        """
        check_bands("ExViT", x, self.in_channels)
        positions = resize_position_table(self.pos_embed, self.grid, (x.shape[2], x.shape[3]))
        parts = zip(self.streams, x.split(self.sources, dim=1), strict=True)
        tokens = self.joint(torch.cat([stream(part, positions) for stream, part in parts], dim=1))
        shares = self.weigh(tokens).softmax(dim=1)  # (B, n, 1)
        return (self.norm((shares * tokens).sum(dim=1))[..., None, None],)
