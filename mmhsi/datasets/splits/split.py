"""Two sets of pixels, what a rule that makes them looks like, what rules share, and when a split is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import ConfigError, DataError, counted
from mmhsi.registry import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Split:
    """Disjoint sets of labelled pixels.

    Attributes:
        train: Flat row-major pixel indices r · W + c, int64, sorted.
        test: Likewise.
        protocol: One line that says how the pixels were chosen; printed beside every number measured on them.

    Example:
        >>> import numpy as np
        >>> Split(np.array([0, 3]), np.array([1, 2]), "chosen by hand").protocol
        'chosen by hand'
    """

    train: np.ndarray
    test: np.ndarray
    protocol: str


class SplitRule(Protocol):
    """A rule from labels to a split."""

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split the labelled pixels of class indices (H, W)."""


@runtime_checkable
class PolygonRule(Protocol):
    """A rule that may put whole polygons on one side."""

    def with_polygons(self, polygons: np.ndarray | None) -> SplitRule:
        """The rule for a scene with polygons (H, W), numbers from 1, 0 in none; None where labels are a raster.

        Args:
            polygons: Number of the polygon that each pixel lies in, shape (H, W), 0 in none; None of a raster.
        """


def apply_split(
    split: Split | SplitRule | dict, labels: np.ndarray, classes: Sequence[str], polygons: np.ndarray | None = None
) -> Split:
    """Split labelled pixels as a config or a person says.

    Args:
        split: A rule, its config, or the pixels themselves.
        labels: Class indices, (H, W); :data:`IGNORE_INDEX` where there is no label.
        classes: Class names.
        polygons: Number of the polygon that each pixel lies in, (H, W), 0 in none; None where labels are a raster.

    Raises:
        ConfigError: If ``split`` is nothing of this kind.
        DataError: If it cannot be used, see :func:`check_split`.
    """
    if isinstance(split, Split):
        return check_split(split, labels, classes)
    rule = SPLITS.build(split) if isinstance(split, dict) else split
    if not callable(rule):
        raise ConfigError(f"split={split!r} given, expected a rule such as FewShotSplit(20), its config, or a Split")
    if isinstance(rule, PolygonRule):
        rule = rule.with_polygons(polygons)
    return rule(labels, classes)


def seeded_path(path: str | Path, seed: int) -> Path:
    """Put ``seed`` where ``path`` says ``{seed}``; other braces stay as they are.

    Args:
        path: File of a fixed split, with or without ``{seed}``.
        seed: What takes its place.
    """
    return Path(str(path).replace("{seed}", str(seed)))


def split_at_random(
    labels: np.ndarray, classes: Sequence[str], seed: int, train_count: Callable[[int], int], protocol: str
) -> Split:
    """Draw training pixels class by class; all other labelled pixels test.

    Args:
        labels: Class indices, (H, W); :data:`IGNORE_INDEX` where there is no label.
        classes: Class names.
        seed: Seed of the choice.
        train_count: Training pixels of a class, from the pixels that it has.
        protocol: How the training pixels were chosen.

    Raises:
        DataError: If a class gets no training pixel.
    """
    rng = np.random.default_rng(seed)
    flat = labels.ravel()
    train = []
    for index in range(len(classes)):
        pixels = np.flatnonzero(flat == index)
        train.append(rng.permutation(pixels)[: train_count(len(pixels))])
    chosen = np.sort(np.concatenate(train))
    test = np.setdiff1d(np.flatnonzero(flat != IGNORE_INDEX), chosen)
    protocol = f"{protocol}, seed {seed}, all other labelled pixels test"
    return check_split(Split(chosen, test, protocol), labels, classes)


def check_split(split: Split, labels: np.ndarray, classes: Sequence[str]) -> Split:
    """Refuse a split that cannot be learned from or that leaks.

    Args:
        split: The split.
        labels: Class indices, (H, W); :data:`IGNORE_INDEX` where there is no label.
        classes: Class names.

    Returns:
        ``split``.

    Raises:
        DataError: If an index lies outside the scene, stands twice in one set or names an unlabelled pixel, a pixel
            trains and tests, or a class that occurs has no training pixel.
    """
    flat = labels.ravel()
    for name, pixels in (("train", split.train), ("test", split.test)):
        if pixels.size and (pixels.min() < 0 or pixels.max() >= flat.size):
            raise DataError(
                f"split ({split.protocol}): {name} index {pixels.max() if pixels.max() >= flat.size else pixels.min()} "
                f"lies outside the scene of {labels.shape[0]} x {labels.shape[1]} pixels"
            )
        distinct, counts = np.unique(pixels, return_counts=True)
        if distinct.size < pixels.size:
            row, column = divmod(int(distinct[counts > 1][0]), labels.shape[1])
            raise DataError(
                f"split ({split.protocol}): {(counts > 1).sum()} {name} pixels occur more than once, the first at row "
                f"{row}, column {column}"
            )
        unlabelled = pixels[flat[pixels] == IGNORE_INDEX]
        if unlabelled.size:
            raise DataError(
                f"split ({split.protocol}): {unlabelled.size} {name} pixels have no label, the first at row "
                f"{unlabelled[0] // labels.shape[1]}, column {unlabelled[0] % labels.shape[1]}"
            )
    both = np.intersect1d(split.train, split.test)
    if both.size:
        shared = counted(both.size, "pixel both trains and tests", "pixels both train and test")
        raise DataError(f"split ({split.protocol}): {shared}, such as index {both[0]}")
    trained = np.unique(flat[split.train])
    occurring = np.unique(flat[flat != IGNORE_INDEX])
    for index in occurring:
        if index not in trained:
            raise DataError(f"split ({split.protocol}): class {index} ({classes[index]}) has no training pixel")
    return split
