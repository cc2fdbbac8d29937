"""What each part of the spectrum tells of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmhsi.errors import DataError
from mmhsi.progress import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS = 5


class BandImportance(NamedTuple):
    """Shares of held-out pixels that are right.

    Attributes:
        alone: With each group of bands and no other, by fold, (F, G).
        together: With all of them, (F,).
        chance: With none: where every pixel is said to be of the most frequent class.
    """

    alone: NDArray[np.float64]
    together: NDArray[np.float64]
    chance: float


def band_importance(
    spectra: NDArray[np.floating],
    classes: NDArray[np.integer],
    blocks: NDArray[np.integer],
    groups: Sequence[NDArray[np.integer]],
) -> BandImportance:
    """Classify held-out blocks by linear discriminant analysis of each group of neighbouring bands alone.

    Taking bands away, or shuffling them, would show next to nothing: neighbours say the same, and parts of the spectrum
    that lie far apart stand in for one another.

    Args:
        spectra: (n, C).
        classes: Class of each pixel, (n,).
        blocks: Number of the block of ground that each lies in, (n,); a block is held out as a whole.
        groups: Indices of the bands of each of G groups.

    Raises:
        DataError: If there are fewer than two blocks or classes.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import GroupKFold

    count = min(FOLDS, len(np.unique(blocks)))
    if count < 2 or len(np.unique(classes)) < 2:
        raise DataError(f"{len(np.unique(classes))} classes in {count} blocks; expected at least 2 of both")
    scores = np.zeros((count, len(groups) + 1))
    every = np.concatenate(list(groups))
    for fold, (train, held) in enumerate(GroupKFold(count).split(spectra, classes, blocks)):
        part = f"classifying by parts of the spectrum, {fold + 1} of {count}"
        for index, bands in enumerate(watched([*groups, every], part)):
            model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            model.fit(spectra[train][:, bands], classes[train])
            scores[fold, index] = (model.predict(spectra[held][:, bands]) == classes[held]).mean()
    chance = float(np.bincount(classes).max() / len(classes))
    return BandImportance(scores[:, :-1], scores[:, -1], chance)
