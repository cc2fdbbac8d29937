"""Texture of the finer source at its own resolution, averaged to the pixels of the first."""

from __future__ import annotations

from itertools import islice
from math import ceil, pi
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.registry import CHANNELS

from .filters import block_mean, blur, gaussian_radius
from .group import ChannelGroup, Views, positive
from .texture_filters import PATTERNS, gabor_magnitude, gabor_radius, patterns, structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

ANGLES = tuple(pi * quarter / 4 for quarter in range(4))
"""Directions of the Gabor filters, in radians."""


@CHANNELS.register_module()
class FinerTexture(ChannelGroup):
    """Texture of the second source's grey picture (the mean of its bands) and means of its bands.

    Lengths are in pixels of the second source.

    Args:
        scales: Of local standard deviation, gradient energy and coherence. Default 2, 4, 8, 16.
        frequencies: Of the Gabor filters, in cycles a pixel: the mean and the range of the magnitude over four
            directions. Default 0.35, 0.2, 0.1, 0.05.
        gabor_smoothing: Standard deviation of the Gaussian over the magnitudes. Default 4.
        pattern_smoothing: Likewise, over the frequencies of the binary patterns. Default 6.
        means: Standard deviations of the Gaussian means of every band. Default 4, 8, 16, 32.
    """

    short = "texture"
    needs_second = True

    def __init__(
        self,
        scales: Sequence[float] = (2, 4, 8, 16),
        frequencies: Sequence[float] = (0.35, 0.2, 0.1, 0.05),
        gabor_smoothing: float = 4,
        pattern_smoothing: float = 6,
        means: Sequence[float] = (4, 8, 16, 32),
    ) -> None:
        self.scales = positive("FinerTexture", "scales", scales)
        self.frequencies = positive("FinerTexture", "frequencies", frequencies)
        self.gabor_smoothing, self.pattern_smoothing = positive(
            "FinerTexture", "gabor_smoothing, pattern_smoothing", (gabor_smoothing, pattern_smoothing)
        )
        self.means = positive("FinerTexture", "means", means)

    def fit(self, parts: Iterable[Views]) -> None:
        """Learn nothing; arguments as for :meth:`ChannelGroup.fit`.

        Raises:
            ConfigError: If a channel may see no neighbour.
        """
        if any(views.limit == 0 for views in islice(parts, 1)):
            raise ConfigError("SceneChannels: window=1 shows no neighbours, of which FinerTexture is made; expected 3")

    def reach(self, scale: int) -> int:
        """Of the filter that reaches farthest; arguments as for :meth:`ChannelGroup.reach`."""
        gabor = max(map(gabor_radius, self.frequencies)) + gaussian_radius(self.gabor_smoothing, None)
        pattern = 1 + gaussian_radius(self.pattern_smoothing, None)
        fine = max(1 + gaussian_radius(max(self.scales), None), gabor, pattern, gaussian_radius(max(self.means), None))
        return ceil(fine / scale)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """3 channels a scale, 2 a frequency, 10 of the patterns, C2 a mean."""
        return np.concatenate([block_mean(fine, views.scale) for fine in self._fine(views)], axis=2)

    def _fine(self, views: Views) -> Iterator[NDArray[np.float32]]:
        """The channels at their own resolution, (H · s, W · s, f) each."""
        limit = views.fine_limit
        grey = views.second.mean(axis=2)
        for sigma in self.scales:
            yield structure(grey, sigma, limit)
        half = None if limit is None else limit // 2
        for frequency in self.frequencies:
            rest = None if limit is None else limit - gabor_radius(frequency, half)
            magnitudes = np.stack([gabor_magnitude(grey, frequency, angle, half) for angle in ANGLES], axis=2)
            smooth = blur(magnitudes, self.gabor_smoothing, rest)
            yield np.stack([smooth.mean(axis=2), np.ptp(smooth, axis=2)], axis=2)
        codes, rest = patterns(grey), None if limit is None else limit - 1
        yield blur((codes[..., None] == np.arange(PATTERNS)).astype(np.float32), self.pattern_smoothing, rest)
        for sigma in self.means:
            yield blur(views.second, sigma, limit)
