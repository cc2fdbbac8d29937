"""A fixed split published as lists of coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io import read_label_map
from mmhsi.registry import SPLITS

from .split import Split, check_split, seeded_path

if TYPE_CHECKING:
    from collections.abc import Sequence


@SPLITS.register_module()
class PairSplit:
    """(row, column) pairs from 0 in two variables of a ``.mat`` file, as Houston 2018 and Berlin are published.

    Args:
        path: File; ``{seed}`` in it is replaced by ``seed``.
        train_key: Variable with the training pixels, (N, 2) whole numbers: row, column.
        test_key: Variable with the test pixels, likewise.
        seed: Default 0.
    """

    def __init__(self, path: str, train_key: str, test_key: str, seed: int = 0) -> None:
        self.path = seeded_path(path, seed)
        self.train_key = train_key
        self.test_key = test_key

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If the file is missing or damaged, a variable holds no pairs, or the split does not fit the
                scene (:func:`check_split`).
        """
        train, test = (self._read(key, labels.shape) for key in (self.train_key, self.test_key))
        protocol = f"fixed pixels of {self.path.name}, train {self.train_key}, test {self.test_key}"
        return check_split(Split(train, test, protocol), labels, classes)

    def _read(self, key: str, shape: tuple[int, ...]) -> np.ndarray:
        """Flat indices, sorted."""
        pairs = read_label_map(self.path, key=key)
        if pairs.shape[1] != 2:
            raise DataError(
                f"{self.path}: {key} is {pairs.shape[0]} x {pairs.shape[1]}, expected N x 2: row and column"
            )
        outside = ((pairs < 0) | (pairs >= shape)).any(axis=1)
        if outside.any():
            row, column = pairs[outside][0]
            raise DataError(
                f"{self.path}: {key} names row {row}, column {column}, outside the scene of {shape[0]} x {shape[1]} "
                "pixels; rows and columns count from 0"
            )
        return np.sort(pairs[:, 0] * shape[1] + pairs[:, 1])
