"""Which labelled pixels of a scene train and which test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

from .labels import IGNORE_INDEX


@dataclass(frozen=True)
class Split:
    """Disjoint sets of labelled pixels.

    Attributes:
        train: Flat row-major pixel indices r · W + c, int64, sorted.
        test: Likewise.
        protocol: One line that says how the pixels were chosen; printed beside every number measured on them.
    """

    train: np.ndarray
    test: np.ndarray
    protocol: str


class SplitRule(Protocol):
    """A rule from labels to a split."""

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split the labelled pixels of class indices (H, W)."""


def check_split(split: Split, labels: np.ndarray, classes: Sequence[str]) -> Split:
    """Refuse a split that cannot be learned from or that leaks.

    Raises:
        DataError: If an index lies outside the scene or names an unlabelled pixel, a pixel trains and tests, or a
            class that is tested has no training pixel.
    """
    flat = labels.ravel()
    for name, pixels in (("train", split.train), ("test", split.test)):
        if pixels.size and (pixels.min() < 0 or pixels.max() >= flat.size):
            raise DataError(
                f"split ({split.protocol}): {name} index {pixels.max() if pixels.max() >= flat.size else pixels.min()} "
                f"lies outside the scene of {labels.shape[0]} x {labels.shape[1]} pixels"
            )
        unlabelled = pixels[flat[pixels] == IGNORE_INDEX]
        if unlabelled.size:
            raise DataError(
                f"split ({split.protocol}): {unlabelled.size} {name} pixels have no label, the first at row "
                f"{unlabelled[0] // labels.shape[1]}, column {unlabelled[0] % labels.shape[1]}"
            )
    both = np.intersect1d(split.train, split.test)
    if both.size:
        raise DataError(f"split ({split.protocol}): {both.size} pixels both train and test, such as index {both[0]}")
    trained = np.unique(flat[split.train])
    occurring = np.unique(flat[flat != IGNORE_INDEX])
    for index in occurring:
        if index not in trained:
            raise DataError(f"split ({split.protocol}): class {index} ({classes[index]}) has no training pixel")
    return split


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


@SPLITS.register_module()
class FileSplit:
    """Pixel indices from a file: arrays ``train`` and ``test`` of flat row-major indices in an ``.npz``.

    Args:
        path: File; ``{seed}`` in it is replaced by ``seed``.
        seed: Default 0.
    """

    def __init__(self, path: str, seed: int = 0) -> None:
        self.path = Path(path.format(seed=seed))

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If the file is missing or damaged, or the split does not fit the scene (:func:`check_split`).
        """
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                train, test = (np.sort(np.asarray(arrays[name], dtype=np.int64).ravel()) for name in ("train", "test"))
        except Exception as error:  # numpy and zipfile raise many kinds
            raise DataError(
                f"split file {self.path}: expected an .npz with arrays 'train' and 'test' ({error})"
            ) from error
        return check_split(Split(train, test, f"fixed split {self.path.stem}"), labels, classes)
