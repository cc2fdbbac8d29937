"""Filters of scenes with a stated reach, so that a scene in parts gives what the whole scene gives."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUNCATE = 4.0
"""Standard deviations at which a Gaussian ends."""


def gaussian_radius(sigma: float, limit: int | None) -> int:
    """Pixels that a Gaussian reaches.

    Args:
        sigma: Its standard deviation in pixels.
        limit: Pixels that may be seen in every direction; None for any.
    """
    radius = ceil(TRUNCATE * sigma)
    return radius if limit is None else min(radius, limit)


def gaussian_weights(sigma: float, radius: int) -> NDArray[np.float64]:
    """A sampled Gaussian of sum 1, shape (2 · radius + 1,).

    Args:
        sigma: Its standard deviation in pixels.
        radius: Where it ends, in pixels.
    """
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return weights / weights.sum()


def blur(image: NDArray, sigma: float, limit: int | None = None) -> NDArray[np.float32]:
    """Gaussian mean; the borders are mirrored.

    Args:
        image: Shape (H, W) or (H, W, C), finite.
        sigma: Standard deviation in pixels.
        limit: Pixels that may be seen in every direction; None for any.

    Returns:
        float32 array of the same shape.
    """
    weights = gaussian_weights(sigma, gaussian_radius(sigma, limit))
    rows = scipy.ndimage.correlate1d(image, weights, axis=0, output=np.float32, mode="mirror")
    return scipy.ndimage.correlate1d(rows, weights, axis=1, output=np.float32, mode="mirror")


def blur_valid(image: NDArray, valid: NDArray[np.bool_], sigma: float, limit: int | None = None) -> NDArray[np.float32]:
    """Gaussian mean of the pixels that hold data.

    Args:
        image: Shape (H, W, C), finite; 0 where there is no data.
        valid: Pixels that hold data, (H, W).
        sigma: Standard deviation in pixels.
        limit: Pixels that may be seen in every direction; None for any.

    Returns:
        float32 array (H, W, C); 0 where no pixel in reach holds data.
    """
    total = blur(image, sigma, limit)
    if valid.all():
        return total
    share = blur(valid.astype(np.float32), sigma, limit)[..., None]
    return np.where(share > 0, total / np.where(share > 0, share, 1), 0).astype(np.float32)


def block_mean(image: NDArray, side: int) -> NDArray[np.float32]:
    """Mean over squares of pixels.

    Args:
        image: Shape (H · side, W · side, C).
        side: Of the squares, in pixels.

    Returns:
        float32 array (H, W, C).
    """
    return _squares(image, side).mean(axis=(1, 3), dtype=np.float64).astype(np.float32)


def block_spread(image: NDArray, side: int) -> NDArray[np.float32]:
    """Standard deviation within squares of pixels.

    Args:
        image: Shape (H · side, W · side, C).
        side: Of the squares, in pixels.

    Returns:
        float32 array (H, W, C).
    """
    return _squares(image, side).std(axis=(1, 3), dtype=np.float64).astype(np.float32)


def _squares(image: NDArray, side: int) -> NDArray:
    """Squares of pixels: (H · side, W · side, C) -> (H, side, W, side, C)."""
    height, width, bands = image.shape
    return image.reshape(height // side, side, width // side, side, bands)
