"""Areas and accuracies of a map with their uncertainty, from a probability sample of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from mmhsi.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .confusion import ConfusionMatrix


@dataclass(frozen=True, eq=False)
class Estimate:
    """Values with their standard errors.

    Attributes:
        value: Shape (K,) or ().
        error: Standard errors of the same shape; NaN where a stratum has a single sample.
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper bound by the normal distribution.

        Args:
            level: Probability that the interval holds the truth. Default 0.95.

        Returns:
            Both of the shape of ``value``.
        """
        half = ndtri(0.5 + level / 2) * self.error
        return self.value - half, self.value + half


@dataclass(frozen=True, eq=False)
class MapAccuracy:
    """What a stratified sample says about a map of K classes.

    Attributes:
        areas: Share of the ground that every class really covers, (K,); times the mapped area it is an area.
        users: User's accuracy of every class, (K,): share of its mapped area that is of the class.
        producers: Producer's accuracy of every class, (K,): share of its true area that is mapped as it.
        overall: Share of the area that is mapped rightly.
    """

    areas: Estimate
    users: Estimate
    producers: Estimate
    overall: Estimate


def stratified_accuracy(confusion: ConfusionMatrix, mapped: Sequence[int] | NDArray[np.int64]) -> MapAccuracy:
    """Estimate areas and accuracies from a sample that was drawn at random within every class of the map.

    Olofsson et al. 2014, Remote Sensing of Environment 148, equations 1 to 11. Counting the pixels of a map gives
    biased areas: what it confuses is counted where it does not belong. The estimates hold for a probability sample
    alone; labels drawn where it was convenient are none.

    Args:
        confusion: Counts of the sample.
        mapped: Pixels of every class on the map, (K,).

    Raises:
        DataError: If a class is on the map and not in the sample, or the numbers of classes differ.

    Example:
        >>> import numpy as np
        >>> from mmhsi.evaluation import ConfusionMatrix, stratified_accuracy
        >>> found = stratified_accuracy(ConfusionMatrix(np.array([[45, 5], [5, 45]])), [300, 700])
        >>> found.areas.value.round(2).tolist()
        [0.34, 0.66]
    """
    counts = confusion.counts.T.astype(np.float64)  # rows the map, columns the truth, as in the paper
    area = np.asarray(mapped, dtype=np.float64)
    if area.shape != (len(counts),):
        raise DataError(f"{area.size} mapped areas given for {len(counts)} classes")
    sampled = counts.sum(axis=1)
    missing = np.flatnonzero((area > 0) & (sampled == 0))
    if missing.size:
        raise DataError(
            f"class {missing[0]} covers {counted(int(area[missing[0]]), 'pixel')} of the map, the sample has none there"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = area / area.sum()
        share = np.where(sampled[:, None] > 0, counts / sampled[:, None], 0.0)  # of stratum i that is j
        spread = share * (1 - share) / (sampled - 1)[:, None]  # variance of each share
        spread[sampled == 0] = 0  # such a class is not on the map
        proportion = weight[:, None] * share  # eq. 4
        true = proportion.sum(axis=0)  # eq. 9
        users = np.where(sampled > 0, np.diag(share), np.nan)
        producers = np.diag(proportion) / true
        others = weight[:, None] ** 2 * spread
        own = np.diag(others)
        rest = others.sum(axis=0) - own
        return MapAccuracy(
            areas=Estimate(true, np.sqrt(others.sum(axis=0))),  # eq. 10
            users=Estimate(users, np.sqrt(np.diag(spread))),  # eq. 6
            producers=Estimate(producers, np.sqrt((1 - producers) ** 2 * own + producers**2 * rest) / true),  # eq. 7
            overall=Estimate(np.trace(proportion), np.sqrt(own.sum())),  # eq. 1, 5
        )
