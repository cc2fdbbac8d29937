"""Masked autoencoding spectral-spatial transformer: the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...layers.transformer_layer import TransformerLayer
from ...quiet_init import QuietInit


def centre_window(x: Tensor, side: int) -> Tensor:
    """The middle of windows (B, C, h, w), side × side; borders are repeated where they are smaller.

    Args:
        x: Shape (B, C, h, w).
        side: Odd.
    """
    rows, columns = (torch.arange(side, device=x.device) + size // 2 - side // 2 for size in x.shape[2:])
    return x[:, :, rows.clamp(0, x.shape[2] - 1)][:, :, :, columns.clamp(0, x.shape[3] - 1)]


def neighbouring_bands(neighbors: int, ordered: bool) -> list[int]:
    """Which bands a token holds, as distances from its own.

    Args:
        neighbors: Their odd number n.
        ordered: From the first to the last; else the ones before a band come nearest first, as the public code has
            them for windows of more than a pixel.
    """
    half = neighbors // 2
    before = list(range(-half, 0))
    return (before if ordered else before[::-1]) + list(range(half + 1))


@MODELS.register_module()
class MAESTViT(QuietInit):
    """A token for every band, with those beside it, and transformer layers that also see the layer before the last.

    The classifier of D. Ibañez, R. Fernandez-Beltran, F. Pla, N. Yokoya, Masked auto-encoding spectral-spatial
    transformer for hyperspectral image classification, IEEE TGRS 60, 2022; public code: ibanezfd/MAEST. It is
    SpectralFormer (D. Hong et al., IEEE TGRS 60, 2022): a token is a band and its neighbours over the window, bands
    past either end being those of the other; from the third layer on, every token is a learned mean of itself and of
    what entered two layers before, plus the other tokens' shares. :class:`mmhsi.models.MAEST` pretrains it without
    that. With mmpretrain's ``GlobalAveragePooling``, which changes nothing, and ``LinearClsHead`` behind it it gives
    the public code's logits, and :func:`mmhsi.models.weights.public_state` carries the public weights over.

    Takes any H × W: the pixels around the centre are used. Positions and the mixing of layers are of one number of
    bands: weights cannot be carried over to another.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Width d of tokens. Default 64.
        window: Odd side of the window that tokens hold: 7, or 1 for the paper's pixel-wise model. Default 7.
        neighbors: Odd number of bands in a token. Default 3; the paper's for Pavia, patch-wise, is 7.
        num_layers: Layers. Default 5.
        num_heads: Heads, 16 wide each. Default 4.
        feedforward_channels: Hidden units of the MLPs. Default 8.
        cross_layer: Whether layers see the one before the last, and a norm follows the last. Default True, the
            classifier; False, the encoder that is pretrained.
        drop_rate: Dropout of embeddings and layers. Default 0.1.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1, or ``window`` or ``neighbors`` is even or wider than the bands.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 64,
        window: int = 7,
        neighbors: int = 3,
        num_layers: int = 5,
        num_heads: int = 4,
        feedforward_channels: int = 8,
        cross_layer: bool = True,
        drop_rate: float = 0.1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("MAESTViT", in_channels=in_channels, embed_dims=embed_dims, window=window, num_layers=num_layers)
        if window % 2 == 0 or neighbors % 2 == 0 or not 1 <= neighbors <= in_channels:
            raise ConfigError(
                f"MAESTViT: window={window}, neighbors={neighbors} given, expected odd numbers, the second at most "
                f"in_channels={in_channels}"
            )
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.window = window
        self.offsets = neighbouring_bands(neighbors, ordered=window == 1)
        self.values = neighbors * window**2
        self.embed = nn.Linear(self.values, embed_dims)
        self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dims))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + in_channels, embed_dims))
        self.drop = nn.Dropout(drop_rate)
        sizes = (embed_dims, num_heads, 16, feedforward_channels, drop_rate)
        self.layers = nn.ModuleList(TransformerLayer(*sizes) for _ in range(num_layers))
        mixed = num_layers - 2 if cross_layer else 0
        self.mixes = nn.ModuleList(nn.Conv2d(1 + in_channels, 1 + in_channels, (1, 2)) for _ in range(mixed))
        self.norm = nn.LayerNorm(embed_dims) if cross_layer else nn.Identity()

    def band_axes(self) -> dict[str, int]:
        """Nothing: positions and the mixing of layers are of one number of bands."""
        return {}

    def bands(self, x: Tensor) -> Tensor:
        """What the tokens hold, shape (B, C, n · w · w): of every band its neighbours' pixels, row-major.

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("MAESTViT", x, self.in_channels)
        pixels = centre_window(x, self.window).flatten(2)  # (B, C, w · w)
        return torch.cat([pixels.roll(-offset, dims=1) for offset in self.offsets], dim=2)

    def tokens(self, bands: Tensor) -> Tensor:
        """Tokens with CLS before them, positions added, shape (B, 1 + C, d).

        Args:
            bands: Of :meth:`bands`, shape (B, C, n · w · w).
        """
        tokens = torch.cat([self.cls_token.expand(len(bands), -1, -1), self.embed(bands)], dim=1)
        return self.drop(tokens + self.pos_embed)

    def encode(self, tokens: Tensor) -> Tensor:
        """Run the layers on tokens, CLS first; with ``cross_layer`` on all of them.

        Args:
            tokens: Shape (B, m, d).
        """
        entered: list[Tensor] = []
        for index, layer in enumerate(self.layers):
            entered.append(tokens)
            if self.mixes and index > 1:
                pair = torch.stack([tokens, entered[index - 2]], dim=3)  # (B, 1 + C, d, 2), tokens as channels
                tokens = self.mixes[index - 2](pair)[..., 0]
            tokens = layer(tokens)
        return tokens

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, 1, 1), made of CLS.

        Args:
            x: Windows, shape (B, C, h, w).
        """
        cls = self.encode(self.tokens(self.bands(x)))[:, 0]
        return (self.norm(cls)[..., None, None],)
