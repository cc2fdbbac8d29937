"""Forests of decision trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sklearn.ensemble._forest import ForestClassifier


GROWN = 50
"""Trees after which is told how far a forest is."""


class Forest(Learner):
    """Base of both.

    Args:
        trees: How many. Default 300.

    Raises:
        ConfigError: If there is none.
    """

    kind: str
    """Of ``sklearn.ensemble``, which is not imported at the top: half a second, for those who grow one."""

    def __init__(self, trees: int = 300) -> None:
        super().__init__()
        if type(trees) is not int or trees < 1:
            raise ConfigError(f"{type(self).__name__}: trees={trees!r} given, expected at least 1")
        self.trees = trees

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Grow the trees."""
        from sklearn import ensemble

        kind: type[ForestClassifier] = getattr(ensemble, self.kind)
        self.forest = kind(n_estimators=self.trees, random_state=seed, warm_start=True)
        for trees in [*range(GROWN, self.trees, GROWN), self.trees]:  # the same trees as if all grew at once
            self.forest.set_params(n_estimators=trees).fit(samples, labels)
            self.done(trees / self.trees)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean over the trees of the share of every class in a sample's leaf."""
        return self.among_all(self.forest.predict_proba(samples), self.forest.classes_)


@MODELS.register_module()
class ExtraTrees(Forest):
    """Extremely randomised trees: √F random features a node, each at a random threshold, all samples a tree.

    P. Geurts, D. Ernst, L. Wehenkel, Machine Learning 63, 2006.

    Args:
        trees: How many. Default 300.
    """

    kind = "ExtraTreesClassifier"


@MODELS.register_module()
class RandomForest(Forest):
    """√F random features a node, each at its best threshold, a bootstrap of the samples a tree.

    L. Breiman, Machine Learning 45, 2001.

    Args:
        trees: How many. Default 300.
    """

    kind = "RandomForestClassifier"
