"""The centre of windows."""

from torch import Tensor


def centre_spectra(x: Tensor) -> Tensor:
    """Spectra (B, C) of the pixels in the middle of windows (B, C, h, w); of even sides the later of the two.

    Args:
        x: Shape (B, C, h, w).
    """
    return x[:, :, x.shape[2] // 2, x.shape[3] // 2]
