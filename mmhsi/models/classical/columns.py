"""A classifier that sees some of the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@MODELS.register_module()
class OnColumns(Learner):
    """Another classifier, given some columns of the samples, such as the spectra among the channels of a scene.

    Args:
        learner: Its config.
        start: First column. Default 0.
        stop: One past the last. Default: all.

    Raises:
        ConfigError: If it is no classical classifier, or the columns cannot be meant so.
    """

    def __init__(self, learner: dict, start: int = 0, stop: int | None = None) -> None:
        super().__init__()
        if type(start) is not int or start < 0 or not (stop is None or (type(stop) is int and stop > start)):
            raise ConfigError(f"OnColumns: columns {start!r} to {stop!r} given, expected whole numbers that rise")
        inner = MODELS.build(learner)
        if not isinstance(inner, Learner):
            raise ConfigError(f"OnColumns: {type(inner).__name__} is no classical classifier")
        self.inner: Learner = inner
        self.columns = slice(start, stop)

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit to the columns; arguments as for :meth:`Learner.learn`.

        Raises:
            ConfigError: If the samples have no such columns.
        """
        if not samples[:, self.columns].shape[1]:
            raise ConfigError(f"OnColumns: samples have {samples.shape[1]} columns, none from {self.columns.start} on")
        self.inner.pace = self.pace
        self.inner.learn(samples[:, self.columns], labels, self.num_classes, seed)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Those of the classifier; arguments as for :meth:`Learner.probabilities`."""
        return self.inner.probabilities(samples[:, self.columns])
