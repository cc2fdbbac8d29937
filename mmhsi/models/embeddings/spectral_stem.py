"""Patch embedding behind convolutions along the spectrum that end in a fixed width (SpectralEarth)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..protocols import overrides
from .bands import kept_like, waves
from .base import BandEmbed

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = (32, 64, 128)
KERNELS = (7, 7, 5)
STRIDES = (5, 5, 3)
MARGIN = 1
"""Three convolutions along the spectrum, as SpectralEarth's; what is left of the spectrum is averaged."""


def shortest_spectrum() -> int:
    """Fewest samples of a spectrum of which the convolutions leave one."""
    length = 1
    for kernel, stride in zip(reversed(KERNELS), reversed(STRIDES), strict=True):
        length = (length - 1) * stride + kernel - 2 * MARGIN
    return length


def resampling(wavelengths: Sequence[float], grid: Tensor) -> Tensor:
    """Linear interpolation from bands to a grid; bands of equal centre are averaged.

    Args:
        wavelengths: Band centres in nm, in any order, C of them.
        grid: Wavelengths in nm, increasing, within those of the bands, shape (G,), float64.

    Returns:
        Tensor of shape (G, C), float32, whose rows have sum 1.
    """
    centres, place, counts = torch.tensor(wavelengths, dtype=torch.float64).unique(
        return_inverse=True, return_counts=True
    )
    by_centre = torch.ones(len(grid), 1, dtype=torch.float64)
    if len(centres) > 1:
        right = torch.searchsorted(centres, grid).clamp(1, len(centres) - 1)
        share = ((grid - centres[right - 1]) / (centres[right] - centres[right - 1])).clamp(0, 1)
        by_centre = torch.zeros(len(grid), len(centres), dtype=torch.float64)
        by_centre.scatter_(1, right[:, None] - 1, (1 - share)[:, None]).scatter_(1, right[:, None], share[:, None])
    return (by_centre / counts)[:, place].float()


def _steps(wavelengths: Sequence[float], step: float) -> tuple[Tensor, Tensor]:
    """Map (L, C) of bands to a spectrum in steps of some nm, and codes (L', 32) of what the first kernels cover."""
    low, high = min(wavelengths), max(wavelengths)
    grid = torch.arange(int((high - low) / step + 1e-9) + 1, dtype=torch.float64) * step + low
    grid = torch.cat([grid, grid[-1:].expand(max(shortest_spectrum() - len(grid), 0))])
    padded = F.pad(grid[None], (MARGIN, MARGIN), mode="replicate")[0]
    covered = padded.unfold(0, KERNELS[0], STRIDES[0]).mean(dim=1)
    return resampling(wavelengths, grid), waves(covered.tolist(), CHANNELS[0])


class SpectralConvs(nn.Module):
    """Three convolutions along the spectrum of each pixel, with ReLU: spectra of L samples to 128 channels.

    Args:
        norms: Whether there is a batch normalisation behind each.
    """

    def __init__(self, norms: bool) -> None:
        super().__init__()
        inputs = (1, *CHANNELS[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, (kernel, 1), (stride, 1), (MARGIN, 0))
            for before, after, kernel, stride in zip(inputs, CHANNELS, KERNELS, STRIDES, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) if norms else nn.Identity() for after in CHANNELS)

    def forward(self, spectra: Tensor, codes: Tensor | None = None) -> Tensor:
        """Map (B, L, n) to (B, 128, n), n pixels each alone.

        Args:
            spectra: Shape (B, L, n).
            codes: Added behind the first convolution, shape (32, L'); None for nothing.
        """
        x = spectra[:, None]  # (B, 1, L, n)
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(conv(x))
            if index == 0 and codes is not None:
                x = x.add_(codes[..., None])  # in place: these are the largest tensors, and nothing needs the former
            x = x.relu_()
        return x.mean(dim=2)


@MODELS.register_module()
class SpectralStemEmbed(BandEmbed):
    """Convolutions along the spectrum of each pixel, pooled to 128 channels, then a patch embedding of these.

    Braham et al., SpectralEarth: training hyperspectral foundation models at scale, 2024. Ours differs from theirs
    (:class:`SpectralEarthEmbed`) in that spectra are first resampled to steps of equal width in nm within the range of
    the sensor, so that a kernel covers the same stretch of the spectrum whatever the sensor; in that the stretch is
    told by a code; and in that there is no batch normalisation, which would mix sensors and hidden pixels.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        step: Of the resampled spectra in nm. Default 10. Spectra that are then too short for the convolutions are
            completed by repeating their last value.

    Raises:
        ConfigError: If a size does not fit.
    """

    norms: bool = False

    def __init__(self, embed_dims: int, patch_size: int, step: float = 10.0) -> None:
        super().__init__(embed_dims, patch_size)
        self.step = check_number(type(self).__name__, "step", step, low=0.1)
        self.stem = SpectralConvs(self.norms)
        self.code = nn.Linear(CHANNELS[0], CHANNELS[0]) if not self.norms else None
        self.projection = nn.Conv2d(CHANNELS[-1], embed_dims, patch_size, patch_size)

    def of_bands(self, wavelengths: Sequence[float]) -> tuple[Tensor, ...]:
        """Map (L, C) of the bands to the resampled spectrum, and codes (32, L') of what the first kernels cover.

        The arguments are as for :meth:`BandEmbed.of_bands`.
        """
        assert self.code is not None
        resample, codes = kept_like(_steps, tuple(wavelengths), self.step, like=self.projection.weight)
        return resample, self.code(codes).T

    @property
    def embeds_pixels(self) -> bool:
        """Whether every pixel is convolved alone: not if batch normalisation learns, or a class has another way."""
        changed = overrides(type(self), "forward", "of_pixels") or overrides(type(self), "embed", "of_pixels")
        return not (changed or (self.norms and self.training))

    def embed_pixels(self, x: Tensor, wavelengths: Sequence[float]) -> Tensor:
        """What is made of single pixels, (B, C, H, W) to (B, 128, H, W), if :attr:`embeds_pixels`.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: As for :meth:`BandEmbed.forward`.
        """
        return self.of_pixels(x, *self.kept(self.checked(wavelengths, x.shape[1])))

    def embed(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Convolve along the spectra, embed patches; arguments as for :meth:`BandEmbed.embed`."""
        return self.of_patches(self.of_pixels(x, *of_bands))

    def of_pixels(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Resample and convolve to channels (B, 128, H, W); arguments as for :meth:`BandEmbed.embed`."""
        resample, codes = (tensor.to(x.dtype) for tensor in of_bands)
        return self.stem(resample @ x.flatten(2), codes).unflatten(2, x.shape[2:])

    def of_patches(self, pixels: Tensor) -> Tensor:
        """Embed patches of the channels: tokens (B, d, h, w).

        Args:
            pixels: From :meth:`embed_pixels`, shape (B, 128, H, W), sides divisible by the patch.
        """
        return self.projection(pixels)


@MODELS.register_module()
class SpectralEarthEmbed(SpectralStemEmbed):
    """SpectralEarth's embedding as published, for its weights (``spectralearth-vit-s`` to ``-g``).

    The bands, in the order of the spectrum, are the samples, as they come: made for the 202 of EnMAP. Features are
    those of the public code.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels. Default 4.

    Raises:
        ConfigError: If a size does not fit.
    """

    norms = True

    def __init__(self, embed_dims: int, patch_size: int = 4) -> None:
        super().__init__(embed_dims, patch_size)

    def checked(self, wavelengths: Sequence[float], bands: int) -> tuple[float, ...]:
        """Refuse too few bands for the convolutions, too; arguments as for :meth:`BandEmbed.checked`."""
        if bands < shortest_spectrum():
            raise ConfigError(
                f"SpectralEarthEmbed: {bands} bands given, expected at least {shortest_spectrum()} (202 of "
                "EnMAP); resample the spectra (SpectralResample), or take embedding='spectral-stem'"
            )
        return super().checked(wavelengths, bands)

    def of_bands(self, wavelengths: Sequence[float]) -> tuple[Tensor, ...]:
        """Order of the bands along the spectrum, shape (C,); arguments as for :meth:`BandEmbed.of_bands`."""
        order = torch.tensor(wavelengths, dtype=torch.float64).argsort(stable=True)
        return (order.to(self.projection.weight.device),)

    def of_pixels(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Sort and convolve to channels (B, 128, H, W); arguments as for :meth:`BandEmbed.embed`."""
        return self.stem(x.flatten(2).index_select(1, of_bands[0])).unflatten(2, x.shape[2:])
