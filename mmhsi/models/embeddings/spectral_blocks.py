"""Blocks of the spectrum of fixed ranges in nm, which the bands of any sensor fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError

from ..layers.spectral_embed import band_positions
from .bands import kept_like
from .spectral_stem import resampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class FilledBlocks(NamedTuple):
    """What the bands of a sensor fill, G blocks of q samples.

    Attributes:
        blocks: Which blocks, ascending, int64, shape (G,).
        resample: Map from the bands to the samples of these, shape (G · q, C).
        nearest: The sample nearest to each band, int64, shape (C,).
    """

    blocks: Tensor
    resample: Tensor
    nearest: Tensor


class SpectralBlocks:
    """The spectrum in blocks of q samples each, a step apart.

    A sensor fills the blocks in which it has a band; those of no band are absent. Spectra are interpolated linearly to
    the samples, those beyond the outermost bands take their values.

    Args:
        owner: The backbone, for messages.
        samples: Of a block, q.
        low: Where the first block begins, in nm. Default 350.
        high: What the last block reaches at least. Default 2550.
        step: From sample to sample, in nm. Default 10.

    Attributes:
        count: Blocks.

    Raises:
        ConfigError: If there is no such spectrum.
    """

    def __init__(self, owner: str, samples: int, low: float = 350.0, high: float = 2550.0, step: float = 10.0) -> None:
        self.owner, self.samples = owner, samples
        self.low, self.step = (
            float(check_number(owner, name, nm, low=0.1)) for name, nm in (("low", low), ("step", step))
        )
        if high <= low:
            raise ConfigError(f"{owner}: spectral blocks from {low} to {high} nm given, expected a range")
        self.count = -int(-(high - low) // (step * samples))

    def centres(self) -> list[float]:
        """Middle of every block in nm."""
        width = self.samples * self.step
        return [self.low + (block + 0.5) * width for block in range(self.count)]

    def filled(self, wavelengths: Sequence[float], like: Tensor) -> FilledBlocks:
        """What bands fill.

        Args:
            wavelengths: Band centres in nm, C of them, in any order.
            like: On whose device and in whose dtype it is needed.

        Raises:
            ConfigError: If they are not in nm, or a band lies in no block.
        """
        band_positions(wavelengths, len(wavelengths), self.owner)
        high = self.low + self.count * self.samples * self.step
        outside = [nm for nm in wavelengths if not self.low <= nm < high]
        if outside:
            raise ConfigError(
                f"{self.owner}: a band at {outside[0]:g} nm is in no block of {self.low:g} to {high:g} nm; "
                "choose other bands, or embedding=dict(low=…, high=…)"
            )
        return FilledBlocks(*kept_like(_filled, tuple(wavelengths), self.low, self.step, self.samples, like=like))


def _filled(wavelengths: Sequence[float], low: float, step: float, samples: int) -> FilledBlocks:
    nm = torch.tensor(wavelengths, dtype=torch.float64)
    sample = ((nm - low) / step).floor().long()  # of each band, among those of all blocks
    blocks, place = (sample // samples).unique(return_inverse=True)
    grid = (blocks[:, None] * samples + torch.arange(samples)).flatten()
    return FilledBlocks(blocks, resampling(wavelengths, low + (grid + 0.5) * step), place * samples + sample % samples)
