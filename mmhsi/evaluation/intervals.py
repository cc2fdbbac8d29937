"""How far an accuracy that was measured on groups of pixels may be from that elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def group_interval(
    right: NDArray, groups: NDArray, level: float = 0.9, weights: NDArray | None = None
) -> tuple[float, float]:
    """Interval of the share of right pixels that were sampled in groups.

    Neighbours are right or wrong together, so that an interval from single pixels is far too narrow: what differs
    elsewhere is a polygon or a block. The variance is that between groups, the number of pixels what it would be if
    they were independent, and the interval the exact one of so many (Korn & Graubard 1998, Survey Methodology 24). They
    are never taken for more than the pixels that would do as well if all counted alike (Kish 1965).

    Args:
        right: Whether each pixel is right, (N,).
        groups: Number of the group of each, (N,).
        level: Probability. Default 0.9.
        weights: What each pixel stands for, (N,). Default: all alike.

    Returns:
        Lower and upper bound; with a single group (0, 1), of which nothing can be said.

    Raises:
        DataError: If the shapes differ or nothing is given.

    Example:
        >>> import numpy as np
        >>> low, high = group_interval(np.arange(100) % 10 > 0, np.arange(100) // 5)
        >>> bool(low < 0.9 < high)
        True
    """
    from scipy.stats import beta, norm, t  # not above: its import takes half a second

    right, groups = np.asarray(right), np.asarray(groups)
    if right.shape != groups.shape or not right.size:
        raise DataError(f"right has shape {right.shape}, groups {groups.shape}; expected the same, not empty")
    _, members = np.unique(groups, return_inverse=True)
    stands = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=np.float64)
    sizes, hits = np.bincount(members, stands), np.bincount(members, stands * right)
    count = len(sizes)
    if count == 1:
        return 0.0, 1.0
    share = hits.sum() / sizes.sum()
    variance = count / (count - 1) * ((hits - share * sizes) ** 2).sum() / sizes.sum() ** 2
    # Where all are right or all wrong nothing varies: a group then counts once.
    number = share * (1 - share) / variance if variance > 0 else _alike(sizes)
    tail = (1 - level) / 2
    number = min(number, _alike(stands)) * (norm.ppf(tail) / t.ppf(tail, count - 1)) ** 2
    low, high = beta.ppf(
        [tail, 1 - tail],
        [max(number * share, 1e-9), number * share + 1],
        [number * (1 - share) + 1, max(number * (1 - share), 1e-9)],
    )
    return float(min(low, share)), float(max(high, share))


def _alike(weights: NDArray) -> float:
    """How many of equal weight tell as much as these."""
    return float(weights.sum() ** 2 / (weights**2).sum())
