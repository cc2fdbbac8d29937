"""Clusters of pixels by several sets of their channels, as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNS = 8
"""Runs of neighbouring channels of which a partition sees about half."""


class ClusterTargets(nn.Module):
    """Several partitions of pixels, each by the nearest of its centres over about half of the channels.

    Where the centres are is in the state dict; at channels that a partition does not look at they are 0.

    Args:
        channels: T.
        sizes: Clusters of each partition.

    Raises:
        ConfigError: If a partition has fewer than two clusters.
    """

    centres: Tensor
    fitted: Tensor

    def __init__(self, channels: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        if not all(type(size) is int and size > 1 for size in self.sizes):
            raise ConfigError(f"ChannelPrediction: clusters={self.sizes} given, expected at least 2 each")
        self.register_buffer("centres", torch.zeros(sum(self.sizes), channels))
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, pixels: Tensor, seed: int = 0) -> None:
        """Find the clusters by k-means; what is fitted stays as it is.

        Args:
            pixels: Normalised channels, shape (n, T).
            seed: Of the choice of channels and of the starts. Default 0.

        Raises:
            DataError: If there are fewer pixels than clusters.
        """
        from sklearn.cluster import MiniBatchKMeans  # not at the top: half a second

        if self.fitted:
            return
        if len(pixels) < max(self.sizes):
            raise DataError(f"ChannelPrediction: {len(pixels)} pixels hold data, {max(self.sizes)} clusters need more")
        rng, values = np.random.default_rng(seed), pixels.cpu().numpy()
        run = np.arange(values.shape[1]) * RUNS // values.shape[1]
        for index, part in enumerate(self.centres.split(self.sizes)):
            chosen = rng.random(RUNS) < 0.5
            chosen[rng.choice(run)] = True  # one at least, of those that there are
            columns = chosen[run]
            means = MiniBatchKMeans(len(part), n_init=1, random_state=index, batch_size=1024, max_iter=30)
            found = means.fit(values[:, columns]).cluster_centers_
            part.zero_()
            part[:, torch.from_numpy(columns)] = torch.from_numpy(found).to(part)
        self.fitted.fill_(True)

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """Cluster of every pixel in every partition, int64 (n, Q).

        Args:
            pixels: Normalised channels, shape (n, T).

        Raises:
            ConfigError: If the clusters were not fitted.
        """
        if not self.fitted:
            raise ConfigError("ChannelPrediction: no clusters yet; keep FitClustersHook in custom_hooks")
        # |x - c|² without |x|²; where a partition does not look, its centres are 0.
        distance = (self.centres**2).sum(dim=1) - 2 * pixels @ self.centres.T
        return torch.stack([part.argmin(dim=1) for part in distance.split(self.sizes, dim=1)], dim=1)
