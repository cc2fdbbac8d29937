"""Mean of several classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@MODELS.register_module()
class MeanOfLearners(Learner):
    """Mean of the probabilities of classifiers that err in different ways.

    Args:
        members: Their configs.
        weights: Weight of each, positive. Default: all alike.

    Raises:
        ConfigError: If there is none, one is no classical classifier, or the weights do not fit.
    """

    def __init__(self, members: Sequence[dict], weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.members = nn.ModuleList(MODELS.build(member) for member in members)
        self.learners = tuple(member for member in self.members if isinstance(member, Learner))
        self.weights = [1.0] * len(members) if weights is None else list(weights)
        for weight in self.weights:
            check_number("MeanOfLearners", "a weight", weight)
        if len(self.weights) != len(members) or not all(weight > 0 for weight in self.weights):
            raise ConfigError(f"MeanOfLearners: weights={weights} given, expected {len(members)} positive numbers")
        if not members or len(self.learners) < len(members):
            raise ConfigError("MeanOfLearners: members are configs of classical classifiers, at least one")

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit all; arguments as for :meth:`Learner.learn`."""
        for index, member in enumerate(self.learners):
            member.pace = lambda share, index=index: self.done((index + share) / len(self.learners))
            member.learn(samples, labels, self.num_classes, seed)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Weighted mean over the members; arguments as for :meth:`Learner.probabilities`."""
        return np.average([member.probabilities(samples) for member in self.learners], axis=0, weights=self.weights)
