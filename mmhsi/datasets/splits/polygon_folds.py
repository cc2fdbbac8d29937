"""Folds of whole polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

from .folds import deal
from .polygons import polygons_of
from .split import Split, check_split

if TYPE_CHECKING:
    from collections.abc import Sequence


@SPLITS.register_module()
class PolygonFoldSplit:
    """One of several folds of polygons tests, the others train: over all folds every labelled pixel tests once.

    Polygons are dealt so that the folds have much the same classes (:func:`mmhsi.datasets.splits.folds.deal`). Windows
    of neighbouring polygons may overlap, which ``show_split`` counts; :class:`DisjointSplit` keeps them apart.

    Args:
        folds: Number of folds. Default 5.
        fold: The one that tests, from 0. Default 0.
        seed: Seed of the deal. Default 0.

    Raises:
        ConfigError: If a value cannot work.
    """

    def __init__(self, folds: int = 5, fold: int = 0, seed: int = 0) -> None:
        if folds < 2 or not 0 <= fold < folds:
            raise ConfigError(f"PolygonFoldSplit: fold={fold} of folds={folds} given, expected 0 to folds - 1, 2 folds")
        self.folds = folds
        self.fold = fold
        self.seed = seed
        self._polygons: np.ndarray | None = None

    def with_polygons(self, polygons: np.ndarray | None) -> PolygonFoldSplit:
        """The rule for a scene whose labels were drawn, see :class:`PolygonRule`.

        Args:
            polygons: Number of the polygon that each pixel lies in, shape (H, W), 0 in none; None of a raster.
        """
        rule = PolygonFoldSplit(self.folds, self.fold, self.seed)
        rule._polygons = polygons
        return rule

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If there are fewer polygons than folds, or a class has polygons in the tested fold alone.
        """
        polygons, kind = polygons_of(labels, self._polygons)
        pixels = np.flatnonzero(labels.ravel() != IGNORE_INDEX)
        groups = polygons.ravel()[pixels]
        count = np.unique(groups).size
        if count < self.folds:
            raise DataError(f"PolygonFoldSplit: {count} {kind} are too few for {self.folds} folds")
        test = deal(labels.ravel()[pixels], groups, self.folds, self.seed) == self.fold
        protocol = (
            f"fold {self.fold} of {self.folds} of {count} {kind} tests ({np.unique(groups[test]).size} of them), the "
            f"others train, seed {self.seed}"
        )
        return check_split(Split(pixels[~test], pixels[test], protocol), labels, classes)
