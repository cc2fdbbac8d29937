"""Gaussian smoothing of all bands, band by band as they lie in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from mmhsi.io.transposing import planes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUNCATE = 3.0
"""Standard deviations at which a kernel ends."""


def smooth(image: NDArray, sigma: float) -> NDArray[np.float32]:
    """Smooth every band of an image by a Gaussian; borders are mirrored, border pixels repeated.

    What scipy's ``gaussian_filter`` gives but for rounding, several times as fast.

    Args:
        image: Shape (H, W, C), any real dtype.
        sigma: Standard deviation in pixels.

    Returns:
        Shape (H, W, C), a view of (C, H, W) in memory order.
    """
    radius = int(TRUNCATE * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    planes = planes_of(image).astype(np.float32, copy=False)  # (H, W, C) -> (C, H, W)
    smoothed = np.empty_like(planes)
    for plane, out in zip(planes, smoothed, strict=True):
        cv2.sepFilter2D(plane, -1, kernel, kernel, dst=out, borderType=cv2.BORDER_REFLECT)
    return smoothed.transpose(1, 2, 0)
