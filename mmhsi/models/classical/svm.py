"""Support vector machine with a Gaussian kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.probabilities import softmax
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANY = 1000
"""Samples above which a part of them tells how long a fit will take: it cannot be ended."""


@MODELS.register_module()
class SVM(Learner):
    """Kernel exp(−γ ‖x − y‖²), one machine a pair of classes; the features should have unit variance.

    Platt's probabilities need more labels than there are; here they are the softmax of scikit-learn's decision values a
    class, which are votes with the margins as ties' breakers, so that the label is that of the votes.

    Args:
        penalty: C. Default 30.
        gamma: γ times the number of features. Default 0.3.

    Raises:
        ConfigError: If one is not positive.
    """

    def __init__(self, penalty: float = 30, gamma: float = 0.3) -> None:
        super().__init__()
        for name, value in (("penalty", penalty), ("gamma", gamma)):
            check_number("SVM", name, value)
            if value <= 0:
                raise ConfigError(f"SVM: {name}={value} given, expected a positive number")
        self.penalty = penalty
        self.gamma = gamma

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit; nothing is random; arguments as for :meth:`Learner.learn`."""
        from sklearn.svm import SVC  # not at the top: half a second, for those who fit one

        self.machine = SVC(C=self.penalty, gamma=self.gamma / samples.shape[1])
        few = slice(None, None, 4)
        if self.pace is not None and len(samples) > MANY and len(np.unique(labels[few])) > 1:
            self.machine.fit(samples[few], labels[few])
            self.done(1 / 17)  # a quarter of the samples is a sixteenth of the work
        self.machine.fit(samples, labels)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Softmax of the decision values; arguments as for :meth:`Learner.probabilities`."""
        values = self.machine.decision_function(samples)
        if values.ndim == 1:  # two classes
            values = np.stack([-values, values], axis=1)
        return self.among_all(softmax(values), self.machine.classes_)
