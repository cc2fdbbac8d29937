"""From bands one after another to pixels and back, by OpenCV, which is 4 to 20 times as fast at it as numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KNOWN: dict[int, Any] = {1: np.uint8, 2: np.uint16, 4: np.int32, 8: np.float64}
"""Types that OpenCV knows, by their bytes: only as many are moved."""
_LONGEST = 2**31 - 1
"""Rows or columns of a matrix of OpenCV's."""


def pixels_of(planes: NDArray) -> NDArray:
    """Bring bands that lie one after another into the order of pixels.

    Args:
        planes: Shape (C, H, W), of any strides.

    Returns:
        Shape (H, W, C), C order, of its own memory.
    """
    bands, height, width = planes.shape
    return _turned(planes.reshape(bands, height * width)).reshape(height, width, bands)


def planes_of(image: NDArray) -> NDArray:
    """Bring pixels into the order of bands.

    Args:
        image: Shape (H, W, C), of any strides, such as a window or a mirrored image.

    Returns:
        Shape (C, H, W), C order; a view where the bands lie so already.
    """
    height, width, bands = image.shape
    if abs(image.strides[2]) > max(map(abs, image.strides[:2])):
        return np.ascontiguousarray(image.transpose(2, 0, 1))
    return _turned(image.reshape(height * width, bands)).reshape(bands, height, width)


def _turned(matrix: NDArray) -> NDArray:
    """A matrix (m, n) as (n, m) in C order."""
    known = _KNOWN.get(matrix.dtype.itemsize)
    if known is None or not matrix.size or max(matrix.shape) > _LONGEST:
        return np.array(matrix.T, order="C")
    import cv2  # here, because reading what is in order needs none of it

    return cv2.transpose(np.ascontiguousarray(matrix).view(known)).reshape(matrix.shape[::-1]).view(matrix.dtype)
