"""Recurrent network along the bands of one pixel."""

from __future__ import annotations

from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ...checks import check_bands
from ...quiet_init import QuietInit
from .centre import centre_spectra


@MODELS.register_module()
class SpectralRNN(QuietInit):
    """A gated recurrent unit that reads the spectrum of the centre pixel band by band.

    L. Mou, P. Ghamisi, X. X. Zhu, Deep recurrent neural networks for hyperspectral image classification, IEEE TGRS
    55(7), 2017, with an ordinary GRU in place of theirs, whose activation is a parametric tanh. The states after all
    bands are mapped linearly, then normalised: the mean over the bands learned far less from a few hundred pixels.

    Takes any H × W, of which all but the centre pixel is left alone.

    Args:
        in_channels: Bands C of the input.
        embed_dims: Width d of the hidden state and of the map. Default 64, the paper's.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1.
    """

    sees_centre_alone = True

    def __init__(self, in_channels: int, embed_dims: int = 64, init_cfg: dict | list[dict] | None = None) -> None:
        super().__init__(init_cfg)
        check_sizes("SpectralRNN", in_channels=in_channels, embed_dims=embed_dims)
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.gru = nn.GRU(1, embed_dims, batch_first=True)
        # A convolution over all bands: a linear map whose weights keep an axis of their own for the bands.
        self.project = nn.Conv1d(embed_dims, embed_dims, in_channels, bias=False)
        self.norm = nn.BatchNorm1d(embed_dims)
        self.activation = nn.Tanh()

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"project.weight": 2}

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode the centre pixels of windows (B, C, h, w) into one map (B, d, 1, 1).

        Args:
            x: Windows, shape (B, C, h, w).
        """
        check_bands("SpectralRNN", x, self.in_channels)
        states, _ = self.gru(centre_spectra(x)[..., None])  # (B, C, 1) -> (B, C, d)
        x = self.norm(self.project(states.transpose(1, 2)))  # (B, d, C) -> (B, d, 1)
        return (self.activation(x)[..., None],)
