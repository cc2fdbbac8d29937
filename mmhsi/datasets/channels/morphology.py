"""Openings and closings by reconstruction that reach a stated number of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def disc_widths(radius: int, limit: int | None = None) -> list[int]:
    """Half widths of a disc's rows at the distances 0, 1, … from its centre.

    Args:
        radius: In pixels; pixels no farther than this from the centre are in the disc.
        limit: Half side of a square that the disc is cut to; None for the whole disc.

    Returns:
        One number a row; that of the centre first.
    """
    end = radius if limit is None else min(radius, limit)
    return [min(end, int((radius**2 - row**2) ** 0.5)) for row in range(end + 1)]


def erode(image: NDArray[np.float32], radius: int, limit: int | None = None) -> NDArray[np.float32]:
    """Smallest value in the disc around every pixel; nothing lies beyond the image.

    Args:
        image: Shape (H, W), finite.
        radius: Of the disc, in pixels.
        limit: Half side of a square that the disc is cut to; None for the whole disc.
    """
    run, half, result = image, 0, np.full_like(image, np.inf)
    for row, wanted in reversed(list(enumerate(disc_widths(radius, limit)))):  # shortest first
        for _ in range(wanted - half):
            run = spread(run, np.minimum, 1)
        half = wanted
        if not row:
            np.minimum(result, run, out=result)
        elif row < len(image):
            np.minimum(result[row:], run[:-row], out=result[row:])
            np.minimum(result[:-row], run[row:], out=result[:-row])
    return result


def spread(image: NDArray[np.float32], extreme: np.ufunc, axis: int) -> NDArray[np.float32]:
    """Smallest or largest value of every pixel and of its neighbours along an axis.

    Args:
        image: Shape (H, W).
        extreme: ``np.minimum`` or ``np.maximum``.
        axis: 0 or 1.
    """
    source, result = image.swapaxes(0, axis), image.copy()
    target = result.swapaxes(0, axis)
    extreme(target[1:], source[:-1], out=target[1:])
    extreme(target[:-1], source[1:], out=target[:-1])
    return result


def reconstruct(marker: NDArray[np.float32], mask: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """Grow ``marker`` under ``mask`` a pixel a step in all 8 directions (L. Vincent, IEEE TIP 2(2), 1993).

    Until nothing changes this is the reconstruction by dilation, of which a pixel may depend on any other. After
    n steps it depends on the pixels within n, whatever lies beyond.

    Args:
        marker: Shape (H, W), nowhere above ``mask``.
        mask: Shape (H, W).
        steps: How often it grows at most.
    """
    for _ in range(steps):
        grown = spread(spread(marker, np.maximum, 0), np.maximum, 1)
        np.minimum(grown, mask, out=grown)
        if np.array_equal(grown, marker):
            break
        marker = grown
    return marker


def opening(image: NDArray[np.float32], radius: int, steps: int, limit: int | None = None) -> NDArray[np.float32]:
    """Remove what is brighter than its surroundings and holds no disc; keep all other shapes.

    Args:
        image: Shape (H, W), finite.
        radius: Of the disc, in pixels.
        steps: Of the reconstruction.
        limit: Pixels that may be seen in every direction, first for the disc, what is left for the steps; None for any.

    Returns:
        float32 array (H, W), nowhere above ``image``.
    """
    if limit is not None:
        steps = min(steps, max(0, limit - radius))
    return reconstruct(erode(image, radius, limit), image, steps)


def profile(
    image: NDArray[np.float32], radii: tuple[int, ...], steps: int, limit: int | None = None
) -> NDArray[np.float32]:
    """Openings and closings by reconstruction of every channel with growing discs.

    M. Pesaresi, J. A. Benediktsson, A new approach for the morphological segmentation of high-resolution satellite
    imagery, IEEE TGRS 39(2), 2001; of principal components: J. A. Benediktsson, J. A. Palmason, J. R. Sveinsson, IEEE
    TGRS 43(3), 2005.

    Args:
        image: Shape (H, W, k), finite.
        radii: n radii in pixels.
        steps: Of every reconstruction.
        limit: Pixels that may be seen in every direction; None for any.

    Returns:
        float32 array (H, W, 2 · n · k): channel by channel, the opening and the closing of every radius.
    """
    result = np.empty((*image.shape[:2], 2 * len(radii) * image.shape[2]), dtype=np.float32)
    column = 0
    for channel in np.moveaxis(image, 2, 0):
        plane = np.ascontiguousarray(channel)
        for radius in radii:
            result[..., column] = opening(plane, radius, steps, limit)
            result[..., column + 1] = -opening(-plane, radius, steps, limit)
            column += 2
    return result


def check_radii(owner: str, radii: Sequence[int]) -> tuple[int, ...]:
    """Radii of discs.

    Args:
        owner: Whose they are, for the message.
        radii: In pixels.

    Raises:
        ConfigError: If there are none or one is below 1.
    """
    given = tuple(radii) if isinstance(radii, Sequence | np.ndarray) else ()
    if not given or any(type(radius) is not int or radius < 1 for radius in given):
        raise ConfigError(f"{owner}: radii={radii!r} given, expected a list of whole numbers of at least 1")
    return given
