"""Which classifiers are best on pixels that they did not learn from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mmengine.registry import DefaultScope

from mmhsi.errors import ConfigError
from mmhsi.evaluation import Temperature
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from mmhsi.datasets.splits.folds import Folds
    from mmhsi.models.classical.learner import Learner

CANDIDATES: dict[str, tuple[str, str]] = {
    "extra trees": ("ExtraTrees", "channels"),
    "LDA": ("LDA", "channels"),
    "LDA on spectra": ("LDA", "spectra"),
    "SVM": ("SVM", "channels"),
    "SVM on spectra": ("SVM", "spectra"),
    "random forest": ("RandomForest", "channels"),
    "MLP": ("MLP", "channels"),
}
"""Type and input of learners by name, the cheapest good ones first.

Surroundings tell more than spectra where labels lie around what is mapped, and mislead on ground that is arranged in
another way: which holds for a scene is found out.
"""

ROUNDS = 10
"""Members that the ensemble's selection may add."""

MOST_SAMPLES = 5000
"""Pixels that a candidate learns from; of more, so many are drawn, every class alike."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate and what it said of pixels that were held out.

    Attributes:
        name: Its name.
        config: Config of the learner.
        probabilities: Of every labelled pixel by a fit that had not seen it, (n, K).
        accuracy: Share of them that are right.
        seconds: What all folds took.
    """

    name: str
    config: dict
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


def choose_candidates(models: str | Sequence[str]) -> list[str]:
    """Names of the candidates that are tried.

    Args:
        models: ``'auto'`` for all, or names of :data:`CANDIDATES`, in any case and with hyphens for spaces.

    Raises:
        ConfigError: If a name is unknown, or there is none.
    """
    names = list(CANDIDATES) if models == "auto" else [models] if isinstance(models, str) else list(models)
    known = {name.lower().replace(" ", "-"): name for name in CANDIDATES}
    chosen = []
    for given in names:
        name = known.get(str(given).lower().replace(" ", "-"))
        if name is None:
            raise ConfigError(f"models: {given!r} is unknown, expected auto or some of {', '.join(known)}")
        chosen.append(name)
    if not chosen:
        raise ConfigError("models: none given, expected auto or names")
    return chosen


def learner_config(name: str, bands: int, second: bool) -> dict:
    """Config of a candidate, for channels that begin with the spectra.

    Args:
        name: Of :data:`CANDIDATES`.
        bands: Bands of the spectra.
        second: Whether the other channels know a finer source, and need no spectra beside them.
    """
    kind, sees = CANDIDATES[name]
    if sees == "spectra":
        return dict(type="OnColumns", learner=dict(type=kind), stop=bands)
    return dict(type="OnColumns", learner=dict(type=kind), start=bands) if second else dict(type=kind)


def held_out(
    config: Mapping, samples: NDArray[np.float32], classes: NDArray[np.int64], num_classes: int, folds: Folds, seed: int
) -> NDArray[np.float64]:
    """Class probabilities of every pixel by a fit to the folds that it is not in, (n, K).

    Args:
        config: Config of a learner.
        samples: (n, F).
        classes: Class of each, (n,).
        num_classes: K.
        folds: Of the samples.
        seed: Of everything random.
    """
    found = np.full((len(samples), num_classes), 1 / num_classes)
    for train, held in folds:
        known = np.unique(classes[train])
        if len(known) < 2:  # nothing can be learnt without the fold
            found[held] = np.eye(num_classes)[known[0]] if len(known) else found[held]
            continue
        learner = build_learner(config)
        chosen = thin(np.flatnonzero(train), classes, seed)
        learner.learn(samples[chosen], classes[chosen], num_classes, seed)
        found[held] = learner.probabilities(samples[held])
    return found


def thin(chosen: NDArray[np.int64], classes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Take at most :data:`MOST_SAMPLES` of some pixels, of every class up to the same number.

    Args:
        chosen: Their indices.
        classes: Class of every pixel, (n,).
        seed: Of the draw.

    Returns:
        Indices, sorted.
    """
    if len(chosen) <= MOST_SAMPLES:
        return chosen
    counts = np.bincount(classes[chosen])
    sizes = np.arange(1, counts.max() + 1)
    most = int(sizes[np.minimum(counts, sizes[:, None]).sum(axis=1) <= MOST_SAMPLES].max(initial=1))
    rng = np.random.default_rng(seed)
    members = (chosen[classes[chosen] == index] for index in np.flatnonzero(counts))
    return np.sort(np.concatenate([rng.permutation(some)[:most] for some in members]))


def compare(
    candidates: Mapping[str, dict],
    samples: NDArray[np.float32],
    classes: NDArray[np.int64],
    num_classes: int,
    folds: Folds,
    seed: int,
    seconds: float,
    report: Callable[[Tried], None] = lambda _: None,
) -> list[Tried]:
    """Try candidates in turn while there is time; the first is always tried.

    Args:
        candidates: Configs of learners by name.
        samples: (n, F).
        classes: Class of each, (n,).
        num_classes: K.
        folds: Of the samples.
        seed: Of everything random.
        seconds: After so many no other candidate is begun.
        report: Is told of each.
    """
    begin, tried = time.monotonic(), list[Tried]()
    for name, config in candidates.items():
        if tried and time.monotonic() - begin > seconds:
            break
        start = time.monotonic()
        found = held_out(config, samples, classes, num_classes, folds, seed)
        right = float((found.argmax(axis=1) == classes).mean())
        tried.append(Tried(name, config, found, right, time.monotonic() - start))
        report(tried[-1])
    return tried


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


def fit_weights(tried: Sequence[Tried], classes: NDArray[np.int64]) -> dict[str, int]:
    """Weights of an ensemble, fitted to what the members say of held-out pixels.

    Selection with replacement (Caruana et al. 2004), which begins with every member once, as few labels tell good from
    best badly. Weights grow, and members go, while the held-out labels become likelier by more than the standard error
    of that gain.

    Args:
        tried: Candidates.
        classes: Class of each pixel, (n,).

    Returns:
        Whole weights by name, of those that have one.
    """
    weights = np.ones(len(tried))
    stack = np.stack([one.probabilities for one in tried])

    def loss(given: NDArray[np.float64]) -> NDArray[np.float64]:
        return surprise(np.tensordot(given / given.sum(), stack, 1), classes)

    best = loss(weights)
    for step in [1.0] * ROUNDS + [-1.0] * len(tried):
        trials = [weights + step * unit for unit in np.eye(len(tried))]
        gains = [(best - loss(some), some) for some in trials if some.min() >= 0 and some.sum() > 0]
        gain, better = max(gains, key=lambda pair: pair[0].mean(), default=(np.zeros(1), weights))
        if gain.mean() <= gain.std() / np.sqrt(len(gain)) or gain.mean() < 1e-4:
            continue
        best, weights = best - gain, better
    return {one.name: int(weight) for one, weight in zip(tried, weights, strict=True) if weight}
