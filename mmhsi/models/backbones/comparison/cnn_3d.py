"""Convolutions over band, row and column."""

from __future__ import annotations

from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit


@MODELS.register_module()
class CNN3D(QuietInit):
    """Two 3-D convolutions, then one linear map of all bands.

    Y. Li, H. Zhang, Q. Shen, Spectral-spatial classification of hyperspectral imagery with 3D convolutional neural
    network, Remote Sensing 9(1), 2017: kernels of 7 bands × 3 × 3 pixels, then twice as many of 3 × 3 × 3, no pooling.
    Here borders are padded with zeros in all three directions, so that any window and any number of bands fit, and the
    fully connected layer is shared by the pixels of the window.

    Takes any H × W from 1 × 1.

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
            nn.Conv3d(1, planes, (7, 3, 3), padding=(3, 1, 1)),
            nn.ReLU(),
            nn.Conv3d(planes, 2 * planes, 3, padding=1),
            nn.ReLU(),
        )
        self.project = nn.Conv3d(2 * planes, embed_dims, (in_channels, 1, 1))
        self.activation = nn.ReLU()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"project.weight": 2}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows (B, C, h, w) into one map (B, d, h, w).

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("CNN3D", x, self.in_channels)
        x = self.project(self.convolutions(x[:, None]))  # (B, 1, C, h, w) -> (B, d, 1, h, w)
        return (self.activation(x[:, :, 0]),)
