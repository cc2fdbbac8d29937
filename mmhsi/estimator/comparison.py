"""Which classifiers are best on pixels that they did not learn from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mmengine.registry import DefaultScope

from mmhsi.progress import begin as working_on
from mmhsi.registry import MODELS

from .pace import OutOfTimeError, Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmhsi.datasets.splits.folds import Folds
    from mmhsi.models.classical.learner import Learner

Fit = Callable[["NDArray[np.int64]", "NDArray[np.int64]", Pace], "NDArray[np.float64]"]
"""Learns from the first pixels and gives the class probabilities of the second, (m, K); tells how far it is."""

MOST_SAMPLES = 5000
"""Pixels that a candidate learns from; of more, so many are drawn, every class alike."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate and what it said of pixels that were held out.

    Attributes:
        name: Its name.
        probabilities: Of every labelled pixel by a fit that had not seen it, (n, K).
        accuracy: Share of them that are right.
        seconds: What all folds took.
    """

    name: str
    probabilities: NDArray[np.float64]
    accuracy: float
    seconds: float


def build_learner(config: Mapping) -> Learner:
    """Build a classical classifier.

    Args:
        config: Its config.
    """
    with DefaultScope.overwrite_default_scope("mmhsi"):
        learner: Learner = MODELS.build(dict(config))
    return learner


def classical_fit(
    config: Mapping, samples: NDArray[np.float32], classes: NDArray[np.int64], num_classes: int, seed: int
) -> Fit:
    """A classical classifier as something to compare.

    Args:
        config: Config of a learner.
        samples: (n, F).
        classes: Class of each, (n,).
        num_classes: K.
        seed: Of everything random.
    """

    def fit(train: NDArray[np.int64], held: NDArray[np.int64], pace: Pace) -> NDArray[np.float64]:
        learner = build_learner(config)
        learner.pace = pace
        learner.learn(samples[train], classes[train], num_classes, seed)
        return learner.probabilities(samples[held])

    return fit


def held_out(
    fit: Fit, classes: NDArray[np.int64], num_classes: int, folds: Folds, seed: int, seconds: float = math.inf
) -> NDArray[np.float64] | None:
    """Class probabilities of every pixel by a fit to the folds that it is not in.

    Args:
        fit: The classifier.
        classes: Class of each pixel, (n,).
        num_classes: K.
        folds: Of the pixels.
        seed: Of the draw of those that it learns from.
        seconds: Time for all folds; what would take longer is ended as soon as that can be foretold.

    Returns:
        Shape (n, K); None if there is not enough time.
    """
    found, parts = np.full((len(classes), num_classes), 1 / num_classes), list(folds)
    pace = Pace(seconds, len(parts))
    for train, held in parts:
        known = np.unique(classes[train])
        if len(known) < 2:  # nothing can be learnt without the fold
            found[held] = np.eye(num_classes)[known[0]] if len(known) else found[held]
            pace.done += 1
            continue
        try:
            found[held] = fit(thin(np.flatnonzero(train), classes, seed), np.flatnonzero(held), pace)
            pace.part_is_done()
        except OutOfTimeError:
            return None
    return found


def thin(chosen: NDArray[np.int64], classes: NDArray[np.int64], seed: int, most: int = 0) -> NDArray[np.int64]:
    """Take at most so many of some pixels, of every class up to the same number.

    Args:
        chosen: Their indices.
        classes: Class of every pixel, (n,).
        seed: Of the draw.
        most: How many. Default: :data:`MOST_SAMPLES`.

    Returns:
        Indices, sorted.
    """
    most = most or MOST_SAMPLES
    if len(chosen) <= most:
        return chosen
    counts = np.bincount(classes[chosen])
    sizes = np.arange(1, counts.max() + 1)
    each = int(sizes[np.minimum(counts, sizes[:, None]).sum(axis=1) <= most].max(initial=1))
    rng = np.random.default_rng(seed)
    members = (chosen[classes[chosen] == index] for index in np.flatnonzero(counts))
    return np.sort(np.concatenate([rng.permutation(some)[:each] for some in members]))


def compare(
    fits: Mapping[str, Fit],
    classes: NDArray[np.int64],
    num_classes: int,
    folds: Folds,
    seed: int,
    seconds: float,
    report: Callable[[str, Tried | None], None] = lambda *_: None,
    hasty: bool = False,
) -> list[Tried]:
    """Try candidates in turn while there is time; the first is always tried to its end.

    Args:
        fits: Each candidate by name.
        classes: Class of each pixel, (n,).
        num_classes: K.
        folds: Of the pixels.
        seed: Of everything random.
        seconds: Time for all of them.
        report: Is told of each by its name; None says that there was not enough time for it.
        hasty: Whether the first is tried only while there is time, too.
    """
    begin, tried = time.monotonic(), list[Tried]()
    for name, fit in fits.items():
        start = time.monotonic()
        working_on(f"trying {name}")
        left = math.inf if not (tried or hasty) else seconds - (start - begin)
        found = held_out(fit, classes, num_classes, folds, seed, left) if left > 0 else None
        if found is None:
            report(name, None)
            continue
        right = float((found.argmax(axis=1) == classes).mean())
        tried.append(Tried(name, found, right, time.monotonic() - start))
        report(name, tried[-1])
    return tried
