"""Folds of labelled pixels for cross-validation that is as hard as the map."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCKS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Sides in pixels of the blocks that are tried."""

PLACES = 20_000
"""Pixels of the scene whose distance to the labels is measured."""


@dataclass(frozen=True, eq=False)
class Folds:
    """Which pixels are held out together.

    Attributes:
        fold: Fold of each pixel, (n,), 0 to K - 1.
        group: Group of each pixel, (n,): groups are never cut by a fold.
        rule: How they were made, in words.
    """

    fold: NDArray[np.int64]
    group: NDArray[np.int64]
    rule: str

    def __iter__(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Masks (n,) of the pixels that train and of those held out, fold by fold."""
        for index in range(int(self.fold.max()) + 1):
            yield self.fold != index, self.fold == index


def scene_folds(
    pixels: NDArray[np.int64],
    classes: NDArray[np.int64],
    valid: NDArray[np.bool_],
    count: int = 5,
    seed: int = 0,
    polygons: NDArray[np.int64] | None = None,
) -> Folds:
    """Cut labelled pixels into folds whose held-out pixels are as far from the training pixels as the map is.

    Neighbours resemble each other. Folds drawn pixel by pixel measure how well a label's neighbour is recognised, folds
    of huge blocks how well other ground is; what the map needs lies between, and depends on where the labels are. So
    blocks of several sizes are tried, and those taken whose distances from each held-out pixel to the nearest training
    pixel are distributed most like the distances from the scene's pixels to the nearest label (the criterion of
    k-fold nearest neighbour distance matching, Linnenbrink et al. 2024, Geoscientific Model Development 17; the
    distance between the distributions is Wasserstein's). Where a class would lie in fewer blocks than there are folds,
    its blocks are quartered.

    Polygons are never cut: those whose middles lie in the same block are held out together.

    Args:
        pixels: Flat indices of the labelled pixels, (n,).
        classes: Class of each, (n,).
        valid: Pixels of the scene that hold data, (H, W): those that are mapped.
        count: Folds, at most; fewer where the groups do not suffice. Default 5.
        seed: Of the draw. Default 0.
        polygons: Number of the polygon of each pixel, (n,), where there are polygons. Default None.

    Raises:
        DataError: If fewer than two groups can be held out.

    Example:
        >>> import numpy as np
        >>> pixels = np.arange(0, 400, 3)
        >>> folds = scene_folds(pixels, pixels % 2, np.ones((20, 20), bool))
        >>> len(list(folds))
        5
    """
    places = np.stack(np.divmod(pixels, valid.shape[1]), axis=1)
    middles = places if polygons is None else _middles(places, polygons)
    from scipy.stats import wasserstein_distance  # not at the top: a quarter of a second

    wanted = _distances_of_the_map(places, pixels, valid, seed)
    best: tuple[float, int, Folds] | None = None
    for side in BLOCKS:
        blocks = _blocks(middles, classes, side, count)
        if best is not None and len(np.unique(blocks)) < 2:
            break
        fold = _draw(classes, blocks, count, seed)
        gap = wasserstein_distance(_distances_held_out(places, fold), wanted)
        if best is None or gap < best[0]:
            sides = f"blocks of {side} x {side} pixels"
            together = f"whole polygons in {sides}" if side > 1 else "whole polygons"
            what = sides if polygons is None else together
            rule = f"{fold.max() + 1} folds of {what}, as far from the labels as the map is"
            best = (gap, side, Folds(fold, blocks, rule))
    assert best is not None  # the first is always taken
    return best[2]


def deal(classes: NDArray[np.int64], groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Deal whole groups to folds that have much the same classes (scikit-learn's ``StratifiedGroupKFold``).

    Args:
        classes: Class of each pixel, (n,).
        groups: Group of each, (n,).
        count: Folds K, at most as many as a class has pixels.
        seed: Of the deal.

    Returns:
        Fold of each pixel, (n,), 0 to K - 1.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # not at the top: half a second

    fold = np.zeros(len(classes), dtype=np.int64)
    draws = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of a class of fewer pixels than folds, which lies in as many as it can
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for index, (_, held) in enumerate(draws.split(classes[:, None], classes, groups)):
            fold[held] = index
    return fold


def stratified_folds(classes: NDArray[np.int64], count: int = 5, seed: int = 0) -> Folds | None:
    """Folds of samples that have no place, each on its own; None where no class has two.

    Args:
        classes: Class of each sample, (n,).
        count: Folds, at most. Default 5.
        seed: Of the draw. Default 0.
    """
    if np.bincount(classes).max() < 2:
        return None
    singles = np.arange(len(classes))
    fold = _draw(classes, singles, count, seed)
    return Folds(fold, singles, f"{fold.max() + 1} folds of single samples")


def _middles(places: NDArray[np.int64], polygons: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row and column of the middle of each pixel's polygon, (n, 2)."""
    _, own = np.unique(polygons, return_inverse=True)
    own = own.reshape(-1)
    middles = np.stack([np.bincount(own, column) / np.bincount(own) for column in places.T], axis=1).round()
    return middles.astype(np.int64)[own]


def _blocks(places: NDArray[np.int64], classes: NDArray[np.int64], side: int, count: int) -> NDArray[np.int64]:
    """Block of each pixel; blocks that keep a class in fewer of them than there are folds are quartered.

    Else holding one out would leave little of the class to learn from. With all that lies in them, not with this class
    alone: of a place of which some classes are held out, the others are learnt from, as if nothing else were there.
    """
    sides = np.full(len(places), side)
    while True:
        keys = np.column_stack([places // sides[:, None], sides])
        blocks = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        quartered = np.zeros(len(places), dtype=bool)
        for index in np.unique(classes):
            own = np.unique(np.column_stack([blocks, places, sides])[classes == index], axis=0)
            held, members = np.unique(own[own[:, 3] > 1, 0], return_counts=True)
            if len(np.unique(own[:, 0])) < count:
                quartered |= np.isin(blocks, held[members > 1])
        if not quartered.any():
            return blocks
        sides[quartered] //= 2


def _draw(classes: NDArray[np.int64], groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Fold of each pixel: classes as even as whole groups allow."""
    most = int(np.bincount(classes).max())
    if most < 2:
        raise DataError("no class has more than one label; at least two are needed, so that one can be held out")
    count = min(count, len(np.unique(groups)), most)
    if count < 2:
        raise DataError("the labels lie in one group; at least two polygons or places are needed to hold one out")
    fold = deal(classes, groups, count, seed)
    return np.unique(fold, return_inverse=True)[1].reshape(-1)  # a fold may have come out empty


def _distances_of_the_map(
    places: NDArray[np.int64], pixels: NDArray[np.int64], valid: NDArray[np.bool_], seed: int
) -> NDArray[np.float64]:
    """Distances in pixels from places of the scene without a label to the nearest label."""
    others = valid.ravel().copy()
    others[pixels] = False
    chosen = np.flatnonzero(others if others.any() else valid.ravel())
    if len(chosen) > PLACES:
        chosen = np.random.default_rng(seed).choice(chosen, PLACES, replace=False)
    return scipy.spatial.cKDTree(places).query(np.stack(np.divmod(chosen, valid.shape[1]), axis=1))[0]


def _distances_held_out(places: NDArray[np.int64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distances in pixels from each held-out pixel to the nearest of the other folds."""
    found = np.zeros(len(places))
    for index in range(int(fold.max()) + 1):
        held = fold == index
        found[held] = scipy.spatial.cKDTree(places[~held]).query(places[held])[0]
    return found
