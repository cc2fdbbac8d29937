"""Mean of several classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

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

    Raises:
        ConfigError: If there is none, or one is no classical classifier.
    """

    def __init__(self, members: Sequence[dict]) -> None:
        super().__init__()
        self.members = nn.ModuleList(MODELS.build(member) for member in members)
        self.learners = tuple(member for member in self.members if isinstance(member, Learner))
        if not members or len(self.learners) < len(members):
            raise ConfigError("MeanOfLearners: members are configs of classical classifiers, at least one")

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit all."""
        for member in self.learners:
            member.learn(samples, labels, self.num_classes, seed)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean over the members."""
        return np.mean([member.probabilities(samples) for member in self.learners], axis=0)
