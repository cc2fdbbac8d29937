"""Which test pixels a model has already seen in the windows around its training pixels.

A pixel's window has h // 2 rows above it and (h − 1) // 2 below, columns likewise; beyond the border the scene is
mirrored without repeating its edge (:func:`mmhsi.datasets.scene_dataset.pad_scene`): row −k shows row k. That is a
row the window holds anyhow, k ≤ h // 2 − r ≤ r + (h − 1) // 2, but for one case: an even h and r = 0, where row −h/2
shows row h/2, one below the window. Beyond the last row nothing new is shown, for a window reaches no further down
than up. So the real pixels in a window are always a rectangle, and :func:`_extent` gives it exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import size_pair
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .split import Split


def _extent(centre: np.ndarray, size: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """First and one past the last real row (or column) shown in windows around ``centre``, (N,) each."""
    first = centre - side // 2
    last = centre + (side - 1) // 2
    if side % 2 == 0:
        last = np.where(centre == 0, side // 2, last)  # the mirrored row of the module's docstring
    return first.clip(min=0), (last + 1).clip(max=size)


Extents = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _extents(pixels: np.ndarray, shape: tuple[int, int], window: tuple[int, int]) -> Extents:
    """Top, bottom, left, right of the windows of flat indices (N,); bottom and right exclusive, (N,) each."""
    rows, columns = np.divmod(pixels, shape[1])
    return *_extent(rows, shape[0], window[0]), *_extent(columns, shape[1], window[1])


def covered(pixels: np.ndarray, shape: tuple[int, int], window: tuple[int, int]) -> np.ndarray:
    """Mark what the windows of flat indices (N,) show: (H, W) bool, in O(N + H · W).

    Args:
        pixels: Flat indices r · W + c of the windows' centres, shape (N,).
        shape: (H, W).
        window: (h, w) in pixels.
    """
    top, bottom, left, right = _extents(pixels, shape, window)
    # Each rectangle adds 1 at two of its corners and takes 1 at the others; the running sums fill it.
    corners = np.zeros((shape[0] + 1, shape[1] + 1), dtype=np.int32)
    for rows, columns, step in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
        np.add.at(corners, (rows, columns), step)
    return corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0


def showing(pixels: np.ndarray, marked: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Whether the window of each flat index (N,) shows a pixel of ``marked`` (H, W) bool: (N,) bool.

    Args:
        pixels: Flat indices r · W + c of the windows' centres, shape (N,).
        marked: Shape (H, W), bool.
        window: (h, w) in pixels.
    """
    top, bottom, left, right = _extents(pixels, (marked.shape[0], marked.shape[1]), window)
    sums = np.zeros((marked.shape[0] + 1, marked.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = marked.cumsum(axis=0).cumsum(axis=1)
    return sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0


def leaking(split: Split, shape: tuple[int, int], window: int | Sequence[int], strict: bool = False) -> np.ndarray:
    """Which test pixels leak.

    Args:
        split: The split.
        shape: (H, W) of the scene.
        window: Side of a window, or (height, width), in pixels.
        strict: False: those that lie in the window of a training pixel. True: those whose own window shows a pixel
            that the window of a training pixel shows. Default False.

    Returns:
        (N,) bool for ``split.test``.

    Raises:
        ConfigError: If ``window`` is none.
    """
    sides = size_pair("leaking", window, "window")
    seen = covered(split.train, shape, sides)
    return showing(split.test, seen, sides) if strict else seen.ravel()[split.test]


def leakage(split: Split, shape: tuple[int, int], window: int | Sequence[int]) -> float:
    """Share of test pixels that lie in the window of some training pixel.

    Args:
        split: The split.
        shape: (H, W) of the scene.
        window: Side of a window, or (height, width), in pixels.

    Returns:
        Between 0 and 1; 0 where nothing is tested.

    Raises:
        ConfigError: If ``window`` is none.
    """
    return float(leaking(split, shape, window).mean()) if split.test.size else 0.0


def assert_disjoint(split: Split, shape: tuple[int, int], window: int | Sequence[int], strict: bool = False) -> None:
    """Refuse a split whose test pixels have been seen in training.

    Args:
        split: The split, made by whatever rule.
        shape: (H, W) of the scene.
        window: Side of a window, or (height, width), in pixels.
        strict: Whether the windows of test pixels must not overlap those of training pixels either. Default False.

    Raises:
        ConfigError: If ``window`` is none.
        DataError: If a test pixel leaks (:func:`leaking`); names how many do, the first of them, and the first
            training pixel that it leaks into.
    """
    wrong = split.test[leaking(split, shape, window, strict)]
    if not wrong.size:
        return
    sides = size_pair("assert_disjoint", window, "window")
    first = wrong[:1]
    probe = covered(first, shape, sides) if strict else np.zeros(shape, dtype=bool)
    probe.ravel()[first] = True
    partner = split.train[showing(split.train, probe, sides)][0]
    (row, column), (train_row, train_column) = divmod(int(first[0]), shape[1]), divmod(int(partner), shape[1])
    what = "have windows that overlap those" if strict else "lie in windows"
    raise DataError(
        f"split ({split.protocol}) leaks: {wrong.size} of {split.test.size} test pixels {what} of training pixels, "
        f"window {sides[0]} x {sides[1]}; the first is row {row}, column {column}, by the training pixel at row "
        f"{train_row}, column {train_column}"
    )
