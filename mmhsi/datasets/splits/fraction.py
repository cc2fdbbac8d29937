"""The same share of training pixels from every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import SPLITS

from .split import Split, split_at_random

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@SPLITS.register_module()
class FractionSplit:
    """A random share of every class trains, all other labelled pixels test.

    Of a class of n pixels, ``fraction`` · n train, rounded to the nearest whole number, but no fewer than ``minimum``
    and no more than n − 1, so that every class is tested.

    Args:
        fraction: Share of training pixels, between 0 and 1.
        seed: Seed of the choice. Default 0.
        minimum: Least number of training pixels a class. Default 1.

    Raises:
        ConfigError: If ``fraction`` does not lie between 0 and 1 or ``minimum`` is not positive.
    """

    def __init__(self, fraction: float, seed: int = 0, minimum: int = 1) -> None:
        if not 0 < fraction < 1:
            raise ConfigError(f"FractionSplit: fraction={fraction} given, expected more than 0 and less than 1")
        if minimum < 1:
            raise ConfigError(f"FractionSplit: minimum={minimum} given, expected at least 1")
        self.fraction = fraction
        self.seed = seed
        self.minimum = minimum

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W); see :func:`check_split` for the errors."""
        protocol = f"{100 * self.fraction:g} % random training pixels a class, at least {self.minimum}"
        return split_at_random(labels, classes, self.seed, self._train_count, protocol)

    def _train_count(self, pixels: int) -> int:
        return min(max(round(self.fraction * pixels), self.minimum), max(pixels - 1, 0))
