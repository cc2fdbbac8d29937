"""Augmentations of whole batches on the device: every sample its own draw, no loop over samples or bands.

They run on normalised values, so that strengths are in standard deviations of a band. Randomness comes from torch's
generator of the device, which :class:`mmhsi.engine.SeedIterationHook` seeds for every iteration.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmhsi.registry import MODELS


def dihedral(x: Tensor, element: int) -> Tensor:
    """One of the 8 symmetries of the square.

    Args:
        x: Images, shape (B, C, H, W).
        element: 0 to 3: that many quarter turns; 4 to 7: the same after a left-right flip. Only 0, 2, 4 and 6 keep
            the size of a non-square image.

    Returns:
        Tensor of shape (B, C, H, W), or (B, C, W, H) for odd elements.
    """
    if element >= 4:
        x = x.flip(3)
    return x.rot90(element % 4, dims=(2, 3))


def symmetries(height: int, width: int) -> tuple[int, ...]:
    """Elements of :func:`dihedral` that keep the size of a window.

    Args:
        height: In pixels.
        width: In pixels.
    """
    return tuple(range(8)) if height == width else (0, 2, 4, 6)


@MODELS.register_module()
class BatchDihedral(nn.Module):
    """Turn and flip every window at random: seen from above, a scene has no preferred direction."""

    def forward(self, x: Tensor) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
        """
        elements = symmetries(*x.shape[2:])
        draw = torch.randint(len(elements), (len(x),), device=x.device)
        out = torch.empty_like(x)
        for index, element in enumerate(elements):
            chosen = (draw == index)[:, None, None, None]
            out = torch.where(chosen, dihedral(x, element), out)
        return out


@MODELS.register_module()
class BatchGainOffset(nn.Module):
    """Scale and shift the spectra of every sample, as illumination and atmosphere do.

    Args:
        gain: Standard deviation of the common factor around 1. Default 0.1.
        offset: Standard deviation of the common shift, in units of a band's spread. Default 0.1.
        smooth: Standard deviation of a further shift that varies smoothly along the bands. Default 0.
        knots: Number of independent values of that smooth shift. Default 8.
    """

    def __init__(self, gain: float = 0.1, offset: float = 0.1, smooth: float = 0.0, knots: int = 8) -> None:
        super().__init__()
        self.gain = gain
        self.offset = offset
        self.smooth = smooth
        self.knots = knots

    def forward(self, x: Tensor) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
        """
        batch, bands = x.shape[:2]
        gain = 1 + self.gain * torch.randn(batch, 1, 1, 1, device=x.device)
        shift = self.offset * torch.randn(batch, 1, device=x.device)
        if self.smooth > 0:
            knots = self.smooth * torch.randn(batch, 1, self.knots, device=x.device)
            shift = shift + nn.functional.interpolate(knots, size=bands, mode="linear", align_corners=True)[:, 0]
        return x * gain + shift[:, :, None, None]


@MODELS.register_module()
class BatchNoise(nn.Module):
    """Add white noise, independent in every band and pixel.

    Args:
        std: Standard deviation, in units of a band's spread. Default 0.05.
    """

    def __init__(self, std: float = 0.05) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
        """
        return x + self.std * torch.randn_like(x)
