"""What classical regressors have in common: fitted to a table of samples, they give values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

FEWEST = 3
"""Training samples of a target below which nothing can be said of how it varies."""


class ValueLearner(nn.Module):
    """Base of the classical regressors; it has no weights of its own, what it learns it learns anew from samples.

    Targets that are known of the same samples are learnt together, others one by one from the samples that have them.

    Attributes:
        one_by_one: Whether all are learnt one by one.
    """

    one_by_one = False

    def learn(self, samples: NDArray[np.float32], values: NDArray[np.float32], num_targets: int, seed: int) -> None:
        """Fit to samples; the same samples and seed give the same values.

        Args:
            samples: Shape (n, F).
            values: Shape (n, T), NaN where unknown.
            num_targets: T.
            seed: Of everything random.

        Raises:
            ConfigError: If a target is known of fewer than three samples.
        """
        known = np.isfinite(values)
        self.fitted: list[tuple[NDArray[np.int64], Any]] = []
        left = np.arange(num_targets)
        while left.size:
            rows = known[:, left[0]]
            if rows.sum() < FEWEST:
                raise ConfigError(
                    f"{type(self).__name__}: target {left[0] + 1} has {rows.sum()} training values, expected {FEWEST}"
                )
            alike = (known[:, left] == rows[:, None]).all(axis=0)
            if self.one_by_one:
                alike = np.arange(len(left)) == 0
            together, left = left[alike], left[~alike]
            self.fitted.append((together, self.fit(samples[rows], values[rows][:, together].astype(np.float64), seed)))
        self.num_targets = num_targets

    def fit(self, samples: NDArray[np.float32], values: NDArray[np.float64], seed: int) -> Any:
        """Fit scikit-learn's regressor; :meth:`learn` has checked the samples.

        Args:
            samples: Shape (n, F).
            values: Shape (n, t), all known.
            seed: Of everything random.

        Returns:
            What has ``predict``.
        """
        raise NotImplementedError

    def scores(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Values of samples.

        Args:
            samples: Shape (n, F).

        Returns:
            Shape (n, T).
        """
        found = np.empty((len(samples), self.num_targets))
        for targets, regressor in self.fitted:
            found[:, targets] = regressor.predict(samples).reshape(len(samples), -1)
        return found
