"""How far an accuracy that was measured on groups of pixels may be from that elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def group_interval(
    right: NDArray, groups: NDArray, level: float = 0.9, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Interval of the share of right pixels, by drawing whole groups with replacement.

    Neighbours are right or wrong together, so that an interval from single pixels is far too narrow: what is drawn is
    what may differ elsewhere, a polygon or a block (cluster bootstrap, Davison & Hinkley 1997, §3.8).

    Args:
        right: Whether each pixel is right, (N,).
        groups: Number of the group of each, (N,).
        level: Probability. Default 0.9.
        draws: Draws. Default 2000.
        seed: Of the draws. Default 0.

    Returns:
        Lower and upper bound; with a single group (0, 1), of which nothing can be said.

    Raises:
        DataError: If the shapes differ or nothing is given.
    """
    right, groups = np.asarray(right), np.asarray(groups)
    if right.shape != groups.shape or not right.size:
        raise DataError(f"right has shape {right.shape}, groups {groups.shape}; expected the same, not empty")
    _, members = np.unique(groups, return_inverse=True)
    sizes, hits = np.bincount(members), np.bincount(members, right.astype(np.float64))
    if len(sizes) == 1:
        return 0.0, 1.0
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(sizes), (draws, len(sizes)))
    shares = hits[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(shares, [tail, 1 - tail])
    return float(low), float(high)
