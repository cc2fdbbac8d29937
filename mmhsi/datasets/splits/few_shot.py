"""The same number of training pixels from every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import SPLITS

from .split import Split, split_at_random

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@SPLITS.register_module()
class FewShotSplit:
    """``per_class`` random pixels of every class train, all other labelled pixels test.

    A class of fewer than 2 · ``per_class`` pixels gives half of them (IMAE paper §3). Class by class, in their order,
    the first of a permutation of its pixels are taken, from one ``numpy.random.default_rng(seed)``: with 20 or 5 pixels
    and seeds 0 to 4, these are the fixed splits of Salinas-A and of the Houston crop that the results are measured on.

    Args:
        per_class: Training pixels a class.
        seed: Seed of the choice. Default 0.

    Raises:
        ConfigError: If ``per_class`` is not positive.

    Example:
        >>> import numpy as np
        >>> split = FewShotSplit(2)(np.repeat([[0, 1]], 10, axis=0), ["soil", "water"])
        >>> len(split.train), len(split.test)
        (4, 16)
    """

    def __init__(self, per_class: int, seed: int = 0) -> None:
        if per_class < 1:
            raise ConfigError(f"FewShotSplit: per_class={per_class} given, expected at least 1")
        self.per_class = per_class
        self.seed = seed

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W); see :func:`check_split` for the errors."""
        protocol = f"{self.per_class} random training pixels a class"
        return split_at_random(labels, classes, self.seed, lambda n: min(self.per_class, n // 2), protocol)
