"""Probabilities that mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

from mmhsi.errors import DataError
from mmhsi.probabilities import SMALLEST, tempered

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _checked(probabilities: NDArray, truth: NDArray) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values, classes = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if values.ndim != 2 or classes.shape != values.shape[:1] or not len(classes):
        raise DataError(f"probabilities have shape {values.shape}, truth {classes.shape}; expected (N, K) and (N,)")
    return values, classes


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often the most probable class is right, by how probable it was said to be.

    Attributes:
        edges: Bounds of the B bins, (B + 1,).
        counts: Pixels in each, (B,).
        confidence: Mean probability of the chosen class in each, (B,); NaN where there are none.
        accuracy: Share of right ones in each, (B,).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """ECE: mean distance of accuracy and confidence over the pixels (Naeini et al. 2015)."""
        used = self.counts > 0
        gap = np.abs(self.accuracy - self.confidence)[used]
        return float((gap * self.counts[used]).sum() / self.counts.sum())


def reliability(probabilities: NDArray, truth: NDArray, bins: int = 15) -> Reliability:
    """Compare the probability of the chosen class with how often it is right.

    Args:
        probabilities: Shape (N, K), rows sum to 1.
        truth: Class indices, (N,).
        bins: Equal bins between 0 and 1. Default 15.

    Raises:
        DataError: If the shapes do not fit.
    """
    values, classes = _checked(probabilities, truth)
    chosen, right = values.max(axis=1), values.argmax(axis=1) == classes
    place = np.minimum((chosen * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (np.bincount(place, weights, bins) / counts for weights in (chosen, right))
    return Reliability(np.linspace(0, 1, bins + 1), counts, confidence, accuracy)


@dataclass(frozen=True)
class Temperature:
    """Calibration by :func:`mmhsi.probabilities.tempered`.

    One number, which few labels can carry; isotonic regression needs hundreds a class.

    Attributes:
        value: Above 1 makes them more cautious, below 1 bolder.

    Example:
        >>> import numpy as np
        >>> bold, truth = np.tile([0.99, 0.01], (10, 1)), np.array([0] * 8 + [1] * 2)
        >>> Temperature.fit(bold, truth)(bold)[0].round(1).tolist()
        [0.8, 0.2]
    """

    value: float = 1.0

    @classmethod
    def fit(cls, probabilities: NDArray, truth: NDArray) -> Temperature:
        """Find the temperature under which the truth is most likely.

        Args:
            probabilities: Of pixels that the classifier did not learn from, (N, K).
            truth: Their class indices, (N,).

        Raises:
            DataError: If the shapes do not fit.
        """
        values, classes = _checked(probabilities, truth)
        logs = np.log(values.clip(SMALLEST))

        def loss(log_temperature: float) -> float:
            scores = log_softmax(logs / np.exp(log_temperature), axis=1)
            return -float(np.take_along_axis(scores, classes[:, None], axis=1).mean())

        from scipy.optimize import minimize_scalar  # not above: it takes a tenth of a second

        found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
        return cls(float(np.exp(found.x)))

    def __call__(self, probabilities: NDArray) -> NDArray[np.float64]:
        """Calibrate.

        Args:
            probabilities: Shape (…, K).

        Returns:
            Probabilities of the same shape.
        """
        return tempered(probabilities, self.value)
