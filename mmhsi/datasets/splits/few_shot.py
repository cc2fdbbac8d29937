"""The same number of training pixels from every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmhsi.datasets.labels import IGNORE_INDEX
from mmhsi.errors import ConfigError
from mmhsi.registry import SPLITS

from .split import Split, check_split


@SPLITS.register_module()
class FewShotSplit:
    """``per_class`` random pixels of every class train, all other labelled pixels test.

    A class of fewer than 2 · ``per_class`` pixels gives half of them (IMAE paper §3).

    Args:
        per_class: Training pixels a class.
        seed: Seed of the choice. Default 0.

    Raises:
        ConfigError: If ``per_class`` is not positive.
    """

    def __init__(self, per_class: int, seed: int = 0) -> None:
        if per_class < 1:
            raise ConfigError(f"FewShotSplit: per_class={per_class} given, expected at least 1")
        self.per_class = per_class
        self.seed = seed

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W); see :func:`check_split` for the errors."""
        rng = np.random.default_rng(self.seed)
        flat = labels.ravel()
        train = []
        for index in range(len(classes)):
            pixels = np.flatnonzero(flat == index)
            count = min(self.per_class, len(pixels) // 2)
            train.append(rng.choice(pixels, count, replace=False))
        chosen = np.sort(np.concatenate(train))
        test = np.setdiff1d(np.flatnonzero(flat != IGNORE_INDEX), chosen)
        protocol = f"{self.per_class} random training pixels a class, seed {self.seed}, all other labelled pixels test"
        return check_split(Split(chosen, test, protocol), labels, classes)
