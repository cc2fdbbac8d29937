"""Probabilities from scores, and their calibration by one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST = 1e-7
"""Probabilities below are taken as this where their logarithm is asked for: a forest gives exact zeros."""


def softmax(scores: NDArray) -> NDArray[np.float64]:
    """Softmax over the last axis.

    Args:
        scores: Shape (…, K).
    """
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def tempered(probabilities: NDArray, temperature: float) -> NDArray[np.float64]:
    """Probabilities raised to 1 / ``temperature`` and normalised (Guo et al. 2017); the most probable class stays.

    Args:
        probabilities: Shape (…, K).
        temperature: Above 1 makes them more cautious, below 1 bolder.
    """
    return softmax(np.log(np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, None)) / temperature)
