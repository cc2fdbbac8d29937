"""What each candidate counts in the map: fitted to pixels that were held out, as far as there is time for the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.evaluation import Temperature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .comparison import Tried

LEADER = "extra trees"
"""What is best on most scenes (docs/results.md), and stands until held-out pixels say otherwise."""

SIMPLEST = "LDA"
"""What takes its place where it makes no error: classes that a plane divides need nothing else."""

SURE = 2.0
"""Standard errors that a gain has to exceed; with one, the best of many chances looks like a gain."""

ROUNDS = 10
"""Members that the ensemble's selection may add."""


def surprise(probabilities: NDArray, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """-ln of each pixel's probability of its true class after the best temperature, none taken as less than 0.001.

    Args:
        probabilities: (n, K).
        classes: (n,).

    Returns:
        Shape (n,).
    """
    calibrated = Temperature.fit(probabilities, classes)(probabilities)
    return -np.log(np.take_along_axis(calibrated, classes[:, None], axis=1)[:, 0].clip(1e-3))


def standard_error(values: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Of the mean of values that come in whole groups, which are right or wrong together.

    Args:
        values: (n,).
        groups: Group of each, (n,).
    """
    _, own = np.unique(groups, return_inverse=True)
    sums = np.bincount(own.reshape(-1), values - values.mean())
    return float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1)) / len(values))


def is_settled(wrong: NDArray[np.bool_], groups: NDArray[np.int64]) -> bool:
    """Whether even a classifier without error would gain no more than twice the standard error of that gain.

    Args:
        wrong: Held-out pixels that what there is has wrong, (n,).
        groups: What was held out together, (n,).
    """
    return bool(wrong.mean() <= SURE * standard_error(wrong.astype(np.float64), groups))


def fit_weights(tried: Sequence[Tried], classes: NDArray[np.int64], groups: NDArray[np.int64]) -> dict[str, int]:
    """Weights of an ensemble, fitted to what the members say of held-out pixels.

    Selection with replacement (Caruana et al. 2004). Few labels tell good from best badly, so it begins with
    :data:`LEADER` alone, with :data:`SIMPLEST` where that makes no error, or with all alike where the leader was not
    tried, and changes that only while the held-out labels become likelier by more than twice the standard
    error of that gain, which whole groups of pixels tell. Likelier is not righter: what comes out takes the place of
    the beginning only if it has more held-out pixels right, by more than twice the standard error, too.

    Args:
        tried: Candidates.
        classes: Class of each pixel, (n,).
        groups: What was held out together, (n,).

    Returns:
        Whole weights by name, of those that have one.
    """
    weights, names = np.ones(len(tried)), [one.name for one in tried]
    flawless = [one.name for one in tried if (one.probabilities.argmax(axis=1) == classes).all()]
    leader = SIMPLEST if SIMPLEST in flawless else LEADER
    if leader in names:
        weights[:] = [name == leader for name in names]
    stack = np.stack([one.probabilities for one in tried])

    def loss(given: NDArray[np.float64]) -> NDArray[np.float64]:
        return surprise(np.tensordot(given / given.sum(), stack, 1), classes)

    def right(given: NDArray[np.float64]) -> NDArray[np.float64]:
        return (np.tensordot(given, stack, 1).argmax(axis=1) == classes).astype(np.float64)

    first, best = weights, loss(weights)
    for step in [1.0] * ROUNDS + [-1.0] * len(tried):
        trials = [weights + step * unit for unit in np.eye(len(tried))]
        gains = [(best - loss(some), some) for some in trials if some.min() >= 0 and some.sum() > 0]
        gain, better = max(gains, key=lambda pair: pair[0].mean(), default=(np.zeros(1), weights))
        if gain.mean() < 1e-4 or gain.mean() <= SURE * standard_error(gain, groups):
            continue
        best, weights = best - gain, better
    more = right(weights) - right(first)
    if more.mean() <= SURE * standard_error(more, groups):
        weights = first
    return {one.name: int(weight) for one, weight in zip(tried, weights, strict=True) if weight}


def choose_members(
    tried: Sequence[Tried],
    weigh: Callable[[Sequence[Tried]], dict[str, int]],
    cost: Callable[[Tried], float],
    seconds: float,
) -> tuple[dict[str, int], list[str]]:
    """The best ensemble that can be trained and make the map in time.

    Args:
        tried: Candidates.
        weigh: Gives the weights of some of them by name.
        cost: Seconds that a candidate needs to be trained on all labels and for its part of the map.
        seconds: There are.

    Returns:
        Weights by name, and those that were left out, slowest first; one is never left out.
    """
    slow: list[str] = []
    while True:
        weights = weigh([one for one in tried if one.name not in slow])
        costs = {one.name: cost(one) for one in tried if one.name in weights}
        if sum(costs.values()) <= seconds or len(slow) + 1 >= len(tried):
            return weights, slow
        slow.append(max(costs, key=lambda name: costs[name]))


def combination(weights: Mapping[str, int]) -> str:
    """What a map is by, in words.

    Args:
        weights: Of the members of the ensemble by name.

    Example:
        >>> combination({"LDA": 2, "SVM": 1})
        'the mean of the class probabilities of LDA (weight 2) and SVM (weight 1)'
    """
    if len(weights) == 1:
        return next(iter(weights))
    *first, last = (f"{name} (weight {weight})" for name, weight in weights.items())
    return f"the mean of the class probabilities of {', '.join(first)} and {last}"


def how_weighed(tried: Sequence[str], weights: Mapping[str, int]) -> list[str]:
    """What a map is by, and by which rule.

    Args:
        tried: Names of the candidates.
        weights: Those of the members of the ensemble by name.

    Returns:
        Lines for the report.
    """
    rule = f"{LEADER}, the best on most scenes, stands alone, or {SIMPLEST} where it makes no error"
    lines = [
        f"the map is by {combination(weights)}; the rule: {rule if LEADER in tried else 'all have the same weight'}, "
        "unless other weights make held-out labels likelier and more of them right, both by more than twice the "
        "standard error"
    ]
    if gone := [name for name in tried if name not in weights]:
        lines.append(f"without weight, for the others do as well without them: {', '.join(gone)}")
    return lines
