"""A small 2-D convolutional network."""

from __future__ import annotations

from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit
from ..unpadded import UnpaddedConvolutions


@MODELS.register_module()
class CNN2D(UnpaddedConvolutions, QuietInit):
    """Bands mixed by a 1 × 1 convolution, then 3 × 3 convolutions over the window.

    In the line of H. Lee and H. Kwon, Going deeper with contextual CNN for hyperspectral image classification, IEEE
    TIP 26(10), 2017, with grouped convolutions (S. Xie et al., ResNeXt, CVPR 2017), which keep the number of weights
    near what a few hundred training pixels can fix. Every convolution is followed by batch norm and ReLU.

    Nothing is padded (:class:`UnpaddedConvolutions`): each 3 × 3 convolution takes a pixel off every side, so that the
    map holds what whole neighbourhoods say alone, and a scene is classified in rows rather than in windows
    (:class:`mmhsi.models.protocols.DenseBackbone`). Windows smaller than 2 · depth + 1 are surrounded with zeros, which
    are the mean of every band. Weights of before work as they did, with zeros around every map.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Channels d of every layer. Default 128.
        depth: Number of 3 × 3 convolutions. Default 2.
        groups: Groups of each 3 × 3 convolution. Default 8.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1 or the groups do not divide the channels.

    Example:
        >>> import torch
        >>> (maps,) = CNN2D(30)(torch.zeros(2, 30, 9, 9))
        >>> maps.shape[0]
        2
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 128,
        depth: int = 2,
        groups: int = 8,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("CNN2D", in_channels=in_channels, embed_dims=embed_dims, depth=depth, groups=groups)
        if embed_dims % groups:
            raise ConfigError(f"CNN2D: embed_dims={embed_dims} does not divide into groups={groups}")
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.reduce = nn.Conv2d(in_channels, embed_dims, 1, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(embed_dims), nn.ReLU()]
        for _ in range(depth):
            conv = nn.Conv2d(embed_dims, embed_dims, 3, groups=groups, bias=False)
            layers += [conv, nn.BatchNorm2d(embed_dims), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.mark_unpadded()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"reduce.weight": 1}

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Mix the bands of every pixel: images (B, C, H, W) to maps (B, d, H, W).

        Args:
            x: Images, shape (B, C, H, W).
        """
        check_bands("CNN2D", x, self.in_channels)
        return self.layers[:2](self.reduce(x))

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """Convolve maps (B, d, H, W) to (B, d, H − 2 · reach, W − 2 · reach).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, d, H, W).
        """
        return self.layers[2:](maps)
