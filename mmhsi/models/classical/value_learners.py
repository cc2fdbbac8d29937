"""Ridge regression, partial least squares and extremely randomised trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .value_learner import ValueLearner

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

ALPHAS = np.logspace(-3, 5, 25)
"""Penalties that ridge regression tries."""
FOLDS = 5


@MODELS.register_module()
class Ridge(ValueLearner):
    """Linear regression with squared weights penalised; of 25 penalties the one with the least leave-one-out error.

    A. E. Hoerl, R. W. Kennard, Technometrics 12, 1970. Each target has its own penalty.
    """

    def fit(self, samples: NDArray[np.float32], values: NDArray[np.float64], seed: int) -> Any:
        """Fit; nothing is random; arguments as for :meth:`ValueLearner.fit`."""
        from sklearn.linear_model import RidgeCV  # not at the top: half a second, for those who fit one
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), RidgeCV(ALPHAS, alpha_per_target=True)).fit(
            samples.astype(np.float64), values
        )


@MODELS.register_module()
class PLS(ValueLearner):
    """Partial least squares of each target; as many components as have the least squared error over five random folds.

    S. Wold, M. Sjöström, L. Eriksson, Chemometrics and Intelligent Laboratory Systems 58, 2001. Folds know nothing of
    where samples lie: neighbours on both sides make too many components look good.

    Args:
        components: So many in place of that. Default None.
        most: Components that are tried at most. Default 20.

    Raises:
        ConfigError: If one is less than 1.
    """

    one_by_one = True

    def __init__(self, components: int | None = None, most: int = 20) -> None:
        super().__init__()
        for name, value in (("components", components), ("most", most)):
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigError(f"PLS: {name}={value!r} given, expected at least 1")
        self.components, self.most = components, most

    def fit(self, samples: NDArray[np.float32], values: NDArray[np.float64], seed: int) -> Any:
        """Fit; arguments as for :meth:`ValueLearner.fit`."""
        from sklearn.cross_decomposition import PLSRegression  # not at the top: half a second

        x = samples.astype(np.float64)
        limit = min(x.shape[1], len(x) - 1)
        if self.components is not None:
            return PLSRegression(min(self.components, limit)).fit(x, values)
        folds = np.array_split(np.random.default_rng(seed).permutation(len(x)), min(FOLDS, len(x)))
        most = max(1, min(self.most, limit, len(x) - max(map(len, folds)) - 1))
        errors = np.zeros(most)
        for fold in folds:
            kept = np.setdiff1d(np.arange(len(x)), fold)
            for count in range(1, most + 1):
                found = PLSRegression(count).fit(x[kept], values[kept]).predict(x[fold]).reshape(len(fold), -1)
                errors[count - 1] += ((found - values[fold]) ** 2).sum()
        return PLSRegression(int(errors.argmin()) + 1).fit(x, values)


@MODELS.register_module()
class ExtraTreesValues(ValueLearner):
    """Extremely randomised trees, a third of the features a node (P. Geurts et al., Machine Learning 63, 2006).

    Args:
        trees: How many. Default 300.

    Raises:
        ConfigError: If there is none.
    """

    def __init__(self, trees: int = 300) -> None:
        super().__init__()
        if type(trees) is not int or trees < 1:
            raise ConfigError(f"ExtraTreesValues: trees={trees!r} given, expected at least 1")
        self.trees = trees

    def fit(self, samples: NDArray[np.float32], values: NDArray[np.float64], seed: int) -> Any:
        """Grow the trees; arguments as for :meth:`ValueLearner.fit`."""
        from sklearn.ensemble import ExtraTreesRegressor  # not at the top: half a second

        one = values[:, 0] if values.shape[1] == 1 else values
        return ExtraTreesRegressor(self.trees, max_features=1 / 3, random_state=seed).fit(samples, one)
