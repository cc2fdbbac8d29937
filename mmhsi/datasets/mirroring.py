"""Windows that reach beyond a scene: its borders are mirrored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mirrored(first: int, last: int, size: int) -> NDArray[np.intp]:
    """Which pixel of an axis stands at each of the places ``first`` to ``last`` − 1 if the axis is mirrored endlessly.

    The border pixel itself is not repeated, as in numpy's ``mode='reflect'``; an axis of one pixel is that pixel
    everywhere.

    Args:
        first: First place; negative before the axis.
        last: Place behind the last one.
        size: Pixels of the axis.

    Returns:
        Indices 0 to ``size`` − 1, shape (last − first,).
    """
    period = max(1, 2 * (size - 1))
    folded = np.arange(first, last) % period
    return np.minimum(folded, period - folded) if size > 1 else folded * 0


def mirrored_finer(first: int, last: int, size: int, scale: int) -> NDArray[np.intp]:
    """:func:`mirrored` of a source that is ``scale`` times finer, on the same ground.

    Whole blocks of pixels are mirrored about the middle of the border block, so that both sources stay registered.

    Args:
        first: First place of the coarse axis; negative before it.
        last: Place behind the last one.
        size: Pixels of the coarse axis.
        scale: Pixels of the finer axis for each of them.

    Returns:
        Indices 0 to ``size`` · ``scale`` − 1, shape ((last − first) · scale,).
    """
    grid = np.arange(first, last)
    beyond = (grid < 0) | (grid >= size)
    within = np.where(beyond[:, None], np.arange(scale)[::-1], np.arange(scale))
    return (mirrored(first, last, size)[:, None] * scale + within).ravel()


def cut_mirrored(array: np.ndarray, top: int, left: int, window: tuple[int, int], scale: int = 1) -> np.ndarray:
    """Cut a window, what lies beyond the borders mirrored.

    Args:
        array: Shape (H · s, W · s) or (H · s, W · s, C).
        top: First row, of the H × W grid; may lie before the array.
        left: First column, likewise.
        window: (h, w) in pixels of the H × W grid.
        scale: s, see :func:`mirrored_finer`.

    Returns:
        A copy, shape (h · s, w · s) or (h · s, w · s, C).
    """
    rows, columns = (
        mirrored_finer(first, first + side, size // scale, scale)
        for first, side, size in zip((top, left), window, array.shape[:2], strict=True)
    )
    return array[rows[:, None], columns]


def pad_scene(array: np.ndarray, window: tuple[int, int], scale: int = 1) -> np.ndarray:
    """Mirror the borders of a scene, so that every pixel has a full window.

    Args:
        array: Shape (H · s, W · s) or (H · s, W · s, C).
        window: (h, w) in pixels of the H × W grid.
        scale: s, see :func:`cut_mirrored`.

    Returns:
        Array with h // 2 blocks before and (h − 1) // 2 after, columns likewise.
    """
    h, w = window
    height, width = array.shape[0] // scale, array.shape[1] // scale
    return cut_mirrored(array, -(h // 2), -(w // 2), (height + h - 1, width + w - 1), scale)
