"""Errors of predicted values: R², RMSE and MAE, with intervals from resampled groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 1000
LEVEL = 0.9
NAMES = ("R2", "RMSE", "MAE")


def value_errors(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], groups: NDArray[np.int64], seed: int = 0
) -> dict[str, float | int | tuple[float, float] | None]:
    """Errors of one target.

    Intervals hold 90 % of what 1000 samples of whole groups, drawn with replacement, give: neighbours err together, so
    that single samples would make them too narrow (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993).

    Args:
        truth: Shape (N,), all known.
        predicted: Shape (N,).
        groups: What each belongs to that varies as a whole, such as its field or block, (N,).
        seed: Of the draws. Default 0.

    Returns:
        ``samples``, ``groups``, ``R2`` = 1 − Σ(y − ŷ)² / Σ(y − ȳ)² (NaN where the truth does not vary), ``RMSE``,
        ``MAE``, ``bias``, the mean of ŷ − y; and ``R2_interval``, … (low, high), None of fewer than two groups.

    Raises:
        DataError: If nothing is given, or shapes differ.
    """
    if truth.shape != predicted.shape or truth.shape != groups.shape or not truth.size:
        raise DataError(f"truth has shape {truth.shape}, predicted {predicted.shape}, groups {groups.shape}")
    numbers, members = np.unique(groups, return_inverse=True)
    middle = truth.mean()  # sums of squares around it lose no digits
    error, y = predicted - truth, truth - middle
    columns = (np.ones_like(error), error**2, np.abs(error), y, y**2)
    sums = np.stack([np.bincount(members, column, len(numbers)) for column in columns], axis=1)  # (G, 5)
    whole = _figures(sums.sum(axis=0)[None])
    found: dict[str, float | int | tuple[float, float] | None] = dict(samples=len(truth), groups=len(numbers))
    found |= {name: float(whole[0, index]) for index, name in enumerate(NAMES)}
    found["bias"] = float(error.mean())
    intervals: dict[str, tuple[float, float] | None] = dict.fromkeys(NAMES)
    if len(numbers) > 1:
        rng = np.random.default_rng(seed)
        share = np.full(len(numbers), 1 / len(numbers))
        drawn = _figures(rng.multinomial(len(numbers), share, DRAWS).astype(np.float64) @ sums)
        tail = (1 - LEVEL) / 2
        for index, name in enumerate(NAMES):
            known = drawn[np.isfinite(drawn[:, index]), index]
            if known.size:
                low, high = np.quantile(known, [tail, 1 - tail])
                intervals[name] = float(low), float(high)
    return found | {f"{name}_interval": value for name, value in intervals.items()}


def _figures(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """R², RMSE and MAE, (D, 3), from D sums of 1, e², |e|, y and y²."""
    count, squares, absolute, first, second = sums.T
    spread = second - first**2 / count
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(spread > 1e-12 * second, 1 - squares / spread, np.nan)
    return np.stack([explained, np.sqrt(squares / count), absolute / count], axis=1)
