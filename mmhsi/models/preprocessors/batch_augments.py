"""Augmentations of whole batches on the device: every sample its own draw, no loop over samples or bands.

They run on normalised values, so that strengths are in standard deviations of a band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_number, check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from ..rng import BatchRNG


def dihedral(x: Tensor, element: int, finer: tuple[int, int] | None = None) -> Tensor:
    """One of the 8 symmetries of the square.

    Args:
        x: Images, shape (B, C, H, W).
        element: 0 to 3: that many quarter turns; 4 to 7: the same after a left-right flip. Only 0, 2, 4 and 6 keep
            the size of a non-square image.
        finer: (C2, s) where the last C2 · s² channels are the s × s pixels of a finer source within each pixel, which
            are moved as such. Default None.

    Returns:
        Tensor of shape (B, C, H, W), or (B, C, W, H) for odd elements.
    """
    if element >= 4:
        x = x.flip(3)
    x = x.rot90(element % 4, dims=(2, 3))
    return x if finer is None else x[:, finer_order(x.shape[1], finer, element).to(x.device)]


def finer_order(channels: int, finer: tuple[int, int], element: int) -> Tensor:
    """Where a symmetry takes the pixels of a finer source from that are channels of the pixel they lie in.

    Args:
        channels: C in all.
        finer: (C2, s), of the last C2 · s² channels.
        element: As of :func:`dihedral`.

    Returns:
        Indices of channels, shape (C,).
    """
    bands, scale = finer
    own = channels - bands * scale**2
    within = dihedral(torch.arange(scale**2).view(1, 1, scale, scale), element).flatten()
    first = own + scale**2 * torch.arange(bands)[:, None]  # (C2, 1)
    return torch.cat([torch.arange(own), (first + within).flatten()])


def undo_dihedral(x: Tensor, element: int) -> Tensor:
    """The inverse of :func:`dihedral`.

    Args:
        x: Images, shape (B, C, H, W).
        element: As it was given there.
    """
    x = x.rot90(-(element % 4), dims=(2, 3))
    return x.flip(3) if element >= 4 else x


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

    def forward(self, x: Tensor, rng: BatchRNG, finer: tuple[int, int] | None = None) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
            rng: What to draw from, for B samples.
            finer: (C2, s) where the last channels are pixels of a finer source, see :func:`dihedral`. Default None.
        """
        elements = symmetries(*x.shape[2:])
        draw = rng.integers(len(elements))
        batch, bands, height, width = x.shape
        places = torch.arange(height * width, device=x.device).view(1, 1, height, width)
        sources = torch.cat([dihedral(places, element) for element in elements])  # (8 or 4, 1, H, W)
        first = height * width * torch.arange(batch, device=x.device)
        index = (sources.flatten(1)[draw] + first[:, None]).flatten()
        pixels = x.permute(0, 2, 3, 1).reshape(-1, bands).index_select(0, index)
        if finer is not None:
            orders = torch.stack([finer_order(bands, finer, element) for element in elements]).to(x.device)[draw]
            pixels = pixels.gather(1, orders.repeat_interleave(height * width, dim=0))
        out = pixels.view(batch, height, width, bands).permute(0, 3, 1, 2)
        return out.contiguous() if x.is_contiguous() else out


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

    def forward(self, x: Tensor, rng: BatchRNG) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
            rng: What to draw from, for B samples.
        """
        gain = 1 + self.gain * rng.normal(1, 1, 1)
        shift = self.offset * rng.normal(1)
        if self.smooth > 0:
            knots = self.smooth * rng.normal(1, self.knots)
            shift = shift + nn.functional.interpolate(knots, size=x.shape[1], mode="linear", align_corners=True)[:, 0]
        return (x * gain).add_(shift[:, :, None, None])


@MODELS.register_module()
class BatchNoise(nn.Module):
    """Add white noise, independent in every band and pixel.

    Args:
        std: Standard deviation, in units of a band's spread. Default 0.05.
    """

    def __init__(self, std: float = 0.05) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor, rng: BatchRNG) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
            rng: What to draw from, for B samples.
        """
        # In the order that x has in memory, but drawn in one piece: torch draws into a permuted tensor one by one.
        order = [0, *sorted(range(1, x.dim()), key=x.stride, reverse=True)]
        noise = rng.normal(*(x.shape[axis] for axis in order[1:]))
        return x + noise.permute(*map(order.index, range(x.dim()))).mul_(self.std)


@MODELS.register_module()
class BatchBandDropout(nn.Module):
    """Set bands of every sample to their mean, as if the sensor had lost them; those of a group together.

    Args:
        ratio: Probability of a group, 0 to below 1. Default 0.2.
        group: Neighbouring bands that are lost together. Default 1.

    Raises:
        ConfigError: If a value cannot work.
    """

    def __init__(self, ratio: float = 0.2, group: int = 1) -> None:
        super().__init__()
        if check_number("BatchBandDropout", "ratio", ratio, 0, 1) == 1:
            raise ConfigError("BatchBandDropout: ratio=1 given, no band would be left")
        check_sizes("BatchBandDropout", group=group)
        self.ratio = ratio
        self.group = group

    def forward(self, x: Tensor, rng: BatchRNG) -> Tensor:
        """Augment (B, C, H, W).

        Args:
            x: Shape (B, C, H, W).
            rng: What to draw from, for B samples.
        """
        bands = x.shape[1]
        kept = rng.uniform(-(-bands // self.group)) >= self.ratio
        return x * kept.repeat_interleave(self.group, dim=1)[:, :bands, None, None]
