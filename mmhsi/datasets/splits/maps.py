"""A fixed split published as two label maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io import read_label_map
from mmhsi.registry import SPLITS

from .split import Split, check_split, seeded_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@SPLITS.register_module()
class MapSplit:
    """Pixels that are not 0 in one map train, those that are not 0 in another test.

    Label maps and masks alike: what a pixel is comes from the scene's own labels, never from these maps.

    Args:
        train: Map of the training pixels, (H, W), in any format of :func:`mmhsi.io.read_label_map`; ``{seed}`` in the
            path is replaced by ``seed``.
        test: Map of the test pixels, likewise; it may be the same file.
        train_key: Variable of ``train`` where that is a ``.mat`` file.
        test_key: Variable of ``test``.
        seed: Default 0.
    """

    def __init__(
        self,
        train: str,
        test: str,
        train_key: str | None = None,
        test_key: str | None = None,
        seed: int = 0,
    ) -> None:
        self.train = seeded_path(train, seed)
        self.test = seeded_path(test, seed)
        self.train_key = train_key
        self.test_key = test_key

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If a map is missing, damaged, of another size than the scene or marks nothing, the maps overlap,
                or they mark unlabelled pixels (:func:`check_split`).
        """
        train = _marked(self.train, self.train_key, labels.shape)
        test = _marked(self.test, self.test_key, labels.shape)
        names = [
            f"{path.name}{f':{key}' if key else ''}"
            for path, key in ((self.train, self.train_key), (self.test, self.test_key))
        ]
        return check_split(Split(train, test, f"fixed maps, train {names[0]}, test {names[1]}"), labels, classes)


def _marked(path: Path, key: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """Flat indices of the pixels that are not 0 in a map, nor what it declares to be no value."""
    members = read_label_map(path, key=key, fill=0)
    if members.shape != shape:
        raise DataError(
            f"{path}: split map of {members.shape[0]} x {members.shape[1]} pixels, but the scene has "
            f"{shape[0]} x {shape[1]}"
        )
    pixels = np.flatnonzero(members)
    if not pixels.size:
        raise DataError(f"{path}: the split map is 0 everywhere, no pixel is marked")
    return pixels
