"""Convolution along the bands of one pixel."""

from __future__ import annotations

from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit
from .centre import centre_spectra


@MODELS.register_module()
class SpectralCNN1D(QuietInit):
    """One convolution, max pooling and one linear map along the spectrum of the centre pixel.

    W. Hu, Y. Huang, L. Wei, F. Zhang, H. Li, Deep convolutional neural networks for hyperspectral image
    classification, Journal of Sensors, 2015: kernels of a ninth of the bands, pooling over a fifth of a kernel, tanh.

    Takes any H × W, of which all but the centre pixel is left alone. The kernels' length follows the number of bands:
    weights are carried over to other bands with ``input_layer='reinit'`` alone.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Width d of the linear map. Default 100, the paper's.
        planes: Kernels. Default 20, the paper's.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1.
    """

    sees_centre_alone = True

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 100,
        planes: int = 20,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("SpectralCNN1D", in_channels=in_channels, embed_dims=embed_dims, planes=planes)
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        kernel = max(1, in_channels // 9)
        pool = -(-kernel // 5)
        self.conv = nn.Conv1d(1, planes, kernel)
        self.pool = nn.MaxPool1d(pool, ceil_mode=True)
        self.project = nn.Conv1d(planes, embed_dims, -(-(in_channels - kernel + 1) // pool))
        self.activation = nn.Tanh()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis along them."""
        return {"conv.weight": 2, "project.weight": 2}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode the centre pixels of windows (B, C, h, w) into one map (B, d, 1, 1).

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("SpectralCNN1D", x, self.in_channels)
        x = self.activation(self.pool(self.conv(centre_spectra(x)[:, None])))  # (B, 1, C) -> (B, planes, n)
        return (self.activation(self.project(x))[..., None],)
