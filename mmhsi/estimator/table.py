"""A table of pixels in place of a scene, as scikit-learn's classifiers take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from mmhsi.datasets.fitted import divisors
from mmhsi.datasets.splits.folds import stratified_folds
from mmhsi.errors import ConfigError
from mmhsi.evaluation import Temperature

from .assessment import mixture
from .comparison import build_learner, classical_fit, compare, thin
from .plan import TRYING
from .weighing import fit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    from mmhsi.models.classical.learner import Learner

    from .learning import Wishes


@dataclass(frozen=True, eq=False)
class PixelTable:
    """Classical candidates fitted to a table.

    Attributes:
        classes: Labels, sorted, (K,).
        mean: Of the columns, (F,).
        std: Their deviations, 1 of those that do not vary.
        learners: The fitted candidates with their weights; none of a single class.
        weights: Their weights by name.
        temperature: Of the calibration.
    """

    classes: NDArray
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    learners: list[tuple[Learner, int]]
    weights: dict[str, int]
    temperature: Temperature

    @classmethod
    def fit(cls, owner: BaseEstimator, table: Any, labels: Any, wishes: Wishes) -> PixelTable:
        """Compare candidates on held-out pixels, weigh them, and train them on all.

        Args:
            owner: The classifier, which is told of the columns.
            table: (n, F).
            labels: (n,).
            wishes: What is asked for.

        Raises:
            ConfigError: If no candidate that was named can see a table.
            ValueError: If table or labels are no such.
        """
        values, given = validate_data(owner, table, labels)
        check_classification_targets(given)
        classes, codes = np.unique(given, return_inverse=True)
        wide = values.astype(np.float64)
        mean = wide.mean(axis=0)
        std = divisors(wide.std(axis=0), mean)
        if len(classes) == 1:
            return cls(classes, mean, std, [], {}, Temperature())
        learners = {one.learner: one.name for one in reversed(wishes.candidates) if one.learner}
        names = {learners[kind]: dict(type=kind) for kind in reversed(learners)}
        if not names:
            raise ConfigError("models: networks see windows of a scene; a table of pixels needs classical candidates")
        samples = ((wide - mean) / std).astype(np.float32)
        codes, count = codes.astype(np.int64), len(classes)
        temperature, weights = Temperature(), {next(iter(names)): 1}
        folds = stratified_folds(codes, wishes.folds, wishes.seed)
        if folds is not None:
            fits = {name: classical_fit(config, samples, codes, count, wishes.seed) for name, config in names.items()}
            tried = compare(fits, codes, count, folds, wishes.seed, TRYING * 60 * wishes.minutes)
            weights = fit_weights(tried, codes, folds.group)
            temperature = Temperature.fit(mixture(tried, weights), codes)
        chosen = thin(np.arange(len(codes)), codes, wishes.seed)
        made = []
        for name, weight in weights.items():
            learner = build_learner(names[name])
            learner.learn(samples[chosen], codes[chosen], count, wishes.seed)
            made.append((learner, weight))
        return cls(classes, mean, std, made, weights, temperature)

    def probabilities(self, owner: BaseEstimator, table: Any) -> NDArray[np.float64]:
        """Calibrated class probabilities, (n, K).

        Args:
            owner: The classifier, which knows the columns.
            table: (n, F).

        Raises:
            ValueError: If it has other columns.
        """
        values = validate_data(owner, table, reset=False)
        if not self.learners:
            return np.ones((len(values), 1))
        samples = ((values.astype(np.float64) - self.mean) / self.std).astype(np.float32)
        scores = [learner.probabilities(samples) for learner, _ in self.learners]
        mean = np.average(scores, axis=0, weights=[weight for _, weight in self.learners])
        return self.temperature(mean)
