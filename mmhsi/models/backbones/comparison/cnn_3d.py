"""Convolutions over band, row and column."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit
from ..unpadded import UnpaddedConvolutions


@MODELS.register_module()
class CNN3D(UnpaddedConvolutions, QuietInit):
    """Two 3-D convolutions, then one linear map of all bands.

    Y. Li, H. Zhang, Q. Shen, Spectral-spatial classification of hyperspectral imagery with 3D convolutional neural
    network, Remote Sensing 9(1), 2017: kernels of 7 bands × 3 × 3 pixels, then twice as many of 3 × 3 × 3, no pooling.
    Rows and columns are not padded, as in the paper: of its windows of 5 × 5 pixels 3 × 3 are left, then 1. Here the
    spectrum is padded with zeros, so that any number of bands fits, and the fully connected layer is shared by the
    pixels that larger windows leave. Windows smaller than 5 × 5 are surrounded with zeros, the mean of every band.
    Weights of before work as they did, with zeros around every map (:class:`UnpaddedConvolutions`).

    Args:
        in_channels: Bands C of the input.
        embed_dims: Channels d of the map. Default 128.
        planes: Kernels of the first convolution. Default 2, the paper's.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 128,
        planes: int = 2,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("CNN3D", in_channels=in_channels, embed_dims=embed_dims, planes=planes)
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.convolutions = nn.Sequential(
            nn.Conv3d(1, planes, (7, 3, 3), padding=(3, 0, 0)),
            nn.ReLU(),
            nn.Conv3d(planes, 2 * planes, 3, padding=(1, 0, 0)),
            nn.ReLU(),
        )
        self.project = nn.Conv3d(2 * planes, embed_dims, (in_channels, 1, 1))
        self.activation = nn.ReLU()
        self.mark_unpadded()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"project.weight": 2}

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) as they are: no layer sees single pixels alone.

        Args:
            x: Images, shape (B, C, H, W).
        """
        check_bands("CNN3D", x, self.in_channels)
        return x

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """Convolve images (B, C, H, W) to a map (B, d, H − 2 · reach, W − 2 · reach).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, C, H, W).
        """
        rows = maps.shape[2] - 2 * self.reach
        if len(maps) == 1 and rows > 1 and self.reach:
            # One image goes through a convolution of torch's that takes seven times as long: two halves do not.
            half = -(-rows // 2)
            ends = maps[:, :, : half + 2 * self.reach], maps[:, :, rows - half :]
            above, below = self.forward_pixels(torch.cat(ends))
            return torch.cat([above, below[:, 2 * half - rows :]], dim=1)[None]
        x = self.project(self.convolutions(maps[:, None]))  # (B, 1, C, h, w) -> (B, d, 1, h − 4, w − 4)
        return self.activation(x[:, :, 0])
