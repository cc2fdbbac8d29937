"""Histograms of the materials around a pixel: spectra and texture put into words without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_seed, check_sizes
from mmhsi.datasets.fitted import divisors
from mmhsi.errors import ConfigError
from mmhsi.registry import CHANNELS

from .filters import block_mean, block_spread, blur_valid, gaussian_radius
from .group import ChannelGroup, Views, positive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SAMPLE = 20000
"""Pixels that the words are found on, at most."""


@CHANNELS.register_module()
class WordHistograms(ChannelGroup):
    """Square roots of Gaussian-weighted histograms of words, a word being the nearest of k centres to a pixel.

    A pixel's description is its principal components, those of its spectrum of unit length and, with a second source,
    mean and standard deviation of that source's bands within the pixel, each of unit variance over the scene. The
    centres are those of k-means (k-means++ start). Bags of visual words: L. Fei-Fei, P. Perona, CVPR 2005; the square
    root makes distances those of Hellinger.

    Args:
        words: k. Default 24.
        scales: Standard deviations of the Gaussians in pixels. Default 1.5, 3, 6.
        count: Components of either kind. Default 5.
        seed: Of the start. Default 0.
        offset: Fitted: mean of every part of the description.
        spread: Fitted: its standard deviation.
        centers: Fitted: (k, parts), fewer where fewer pixels differ.

    Raises:
        ConfigError: If ``words`` is less than 2, another count is less than 1, or a scale is not positive.
    """

    short = "words"
    learned = ("offset", "spread", "centers")

    def __init__(
        self,
        words: int = 24,
        scales: Sequence[float] = (1.5, 3, 6),
        count: int = 5,
        seed: int = 0,
        offset: Sequence[float] | None = None,
        spread: Sequence[float] | None = None,
        centers: Sequence[Sequence[float]] | None = None,
    ) -> None:
        if type(words) is not int or words < 2:
            raise ConfigError(f"WordHistograms: words={words!r} given, expected a whole number of at least 2")
        check_sizes("WordHistograms", count=count)
        check_seed(seed)
        self.words = words
        self.scales = positive("WordHistograms", "scales", scales)
        self.count = count
        self.seed = seed
        self.offset = None if offset is None else np.asarray(offset, dtype=np.float64)
        self.spread = None if spread is None else np.asarray(spread, dtype=np.float64)
        self.centers = None if centers is None else np.asarray(centers, dtype=np.float64)

    def describe(self, views: Views) -> NDArray[np.float64]:
        """Describe every pixel.

        Args:
            views: Rows of a scene.

        Returns:
            float64 array (H, W, parts), not scaled.
        """
        parts = [views.components[..., : self.count], views.normalised[..., : self.count]]
        if views.finer is not None:
            parts += [block_mean(views.finer, views.scale), block_spread(views.finer, views.scale)]
        return np.concatenate(parts, axis=2, dtype=np.float64)

    def fit(self, parts: Iterable[Views]) -> None:
        """Find the words; arguments as for :meth:`ChannelGroup.fit`.

        Where fewer pixels differ than there are words, each has its own, and the other words never occur.
        """
        described = np.concatenate([self.describe(views)[views.valid] for views in parts])
        self.offset = described.mean(axis=0)
        self.spread = divisors(described.std(axis=0), self.offset)
        described = (described - self.offset) / self.spread
        random = np.random.default_rng(self.seed)
        if len(described) > SAMPLE:
            described = described[random.choice(len(described), SAMPLE, replace=False)]
        from scipy.cluster.vq import kmeans2  # not at the top: for those who fit words

        words = min(self.words, len(np.unique(described, axis=0)))
        self.centers, _ = kmeans2(described, words, iter=50, minit="++", rng=random)

    def reach(self, scale: int) -> int:
        """Of the widest Gaussian; arguments as for :meth:`ChannelGroup.reach`."""
        return gaussian_radius(max(self.scales), None)

    def word(self, views: Views) -> NDArray[np.intp]:
        """Word of every pixel, (H, W).

        Args:
            views: Rows of a scene.

        Raises:
            ConfigError: If no words were found yet.
        """
        if self.offset is None or self.spread is None or self.centers is None:
            raise ConfigError("WordHistograms: not fitted; SceneChannels fits it to a scene")
        described = (self.describe(views) - self.offset) / self.spread
        # |x − c|² without |x|², which is the same for every word.
        return ((self.centers**2).sum(axis=1) - 2 * described @ self.centers.T).argmin(axis=2)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """K channels a scale."""
        one_hot = self.word(views)[..., None] == np.arange(self.words)
        one_hot = (one_hot & views.valid[..., None]).astype(np.float32)
        return np.concatenate(
            [np.sqrt(blur_valid(one_hot, views.valid, sigma, views.limit)) for sigma in self.scales], axis=2
        )
