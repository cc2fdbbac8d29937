"""What classical classifiers have in common: fitted to a table of samples, they give class probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch import nn

from mmhsi.errors import ConfigError, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Estimator(Protocol):
    """A classifier of scikit-learn's kind."""

    classes_: NDArray[np.int64]

    def fit(self, samples: NDArray, labels: NDArray) -> Estimator:
        """Fit to samples (n, F) and their classes (n,)."""


class Learner(nn.Module):
    """Base of the classical classifiers; it has no weights of its own, what it learns it learns anew from samples."""

    num_classes = 0

    pace: Callable[[float], None] | None = None
    """Called between the parts of a fit with the share of its work that is done; may raise, and so end it."""

    def done(self, share: float) -> None:
        """Tell :attr:`pace`, where there is one.

        Args:
            share: Of the work of the fit, above 0.
        """
        if self.pace is not None:
            self.pace(share)

    def learn(self, samples: NDArray[np.float32], labels: NDArray[np.int64], num_classes: int, seed: int) -> None:
        """Fit to samples; the same samples and seed give the same probabilities.

        Args:
            samples: Shape (n, F).
            labels: Classes, (n,), not necessarily all of them.
            num_classes: K.
            seed: Of everything random.

        Raises:
            ConfigError: If the samples have a single class.
        """
        found = np.unique(labels)
        if len(found) < 2:
            raise ConfigError(
                f"{type(self).__name__}: the training pixels have {counted(len(found), 'class', 'classes')}, expected 2"
            )
        self.num_classes = num_classes
        self.fit(samples, labels, seed)

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit; :meth:`learn` has checked the samples; arguments as for :meth:`Learner.learn`."""
        raise NotImplementedError

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities of samples; 0 for classes without training pixels.

        Args:
            samples: Shape (n, F).

        Returns:
            Shape (n, K).
        """
        raise NotImplementedError

    def scores(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probabilities; arguments as for :meth:`Learner.probabilities`."""
        return self.probabilities(samples)

    def among_all(self, scores: NDArray, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Columns of the classes that were seen in a table of all.

        Args:
            scores: Shape (n, k).
            classes: Class of each column, (k,).
        """
        result = np.zeros((len(scores), self.num_classes))
        result[:, classes] = scores
        return result
