"""Openings and closings by lines: roads, kerbs, rows and edges, which a disc removes as a whole."""

from __future__ import annotations

from math import ceil, cos, pi, sin
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import grey_dilation, grey_erosion

from mmhsi.errors import ConfigError
from mmhsi.registry import CHANNELS

from .filters import block_mean
from .group import ChannelGroup, Views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ANGLES = 6
"""Directions of the lines, evenly spread over half a turn."""


def line_mask(radius: int, angle: float) -> NDArray[np.bool_]:
    """Pixels of a straight line through the centre of a square, alike to both sides.

    Args:
        radius: Half its length in pixels; 0 is the pixel alone.
        angle: Its direction in radians, from the columns' axis.

    Returns:
        bool array (2 · radius + 1, 2 · radius + 1).
    """
    down, right = radius * sin(angle), radius * cos(angle)
    steps = np.linspace(0, 1, radius + 1)  # one half, then the other
    rows, columns = (np.rint(step * steps).astype(int) for step in (down, right))
    mask = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=bool)
    mask[radius + rows, radius + columns] = True
    return mask | mask[::-1, ::-1]


def line_openings(image: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Largest and smallest opening by a line over its directions; nothing lies beyond the image.

    A bright stripe that is long in one direction stays in the largest and goes from the smallest.

    P. Soille, H. Talbot, Directional morphological filtering, IEEE TPAMI 23(11), 2001.

    Args:
        image: Shape (H, W), finite.
        radius: Half length of the line in pixels. An opening reaches twice as far.

    Returns:
        float32 array (H, W, 2).
    """
    largest, smallest = np.full_like(image, -np.inf), np.full_like(image, np.inf)
    for index in range(ANGLES):
        line = line_mask(radius, pi * index / ANGLES)
        thin = grey_erosion(image, footprint=line, mode="constant", cval=np.inf)
        opened = grey_dilation(thin, footprint=line, mode="constant", cval=-np.inf)
        np.maximum(largest, opened, out=largest)
        np.minimum(smallest, opened, out=smallest)
    return np.stack([largest, smallest], axis=2)


def line_profile(image: NDArray[np.float32], lengths: tuple[int, ...], limit: int | None) -> NDArray[np.float32]:
    """Largest and smallest opening and closing by lines of several lengths.

    Args:
        image: Shape (H, W), finite.
        lengths: n lengths in pixels, odd.
        limit: Pixels that may be seen in every direction; None for any.

    Returns:
        float32 array (H, W, 4 · n).
    """
    found = []
    for length in lengths:
        radius = length // 2 if limit is None else min(length // 2, limit // 2)
        found += [line_openings(image, radius), -line_openings(-image, radius)]
    return np.concatenate(found, axis=2)


def check_lengths(owner: str, lengths: tuple[int, ...]) -> None:
    """Refuse lengths of no line.

    Args:
        owner: Whose they are, for the message.
        lengths: In pixels.

    Raises:
        ConfigError: If there are none, or one is even or below 3.
    """
    if not lengths or any(type(length) is not int or length < 3 or length % 2 == 0 for length in lengths):
        raise ConfigError(f"{owner}: lengths={lengths} given, expected odd numbers of pixels from 3")


@CHANNELS.register_module()
class FinerLines(ChannelGroup):
    """Line profiles of the second source's grey picture, the mean of its bands, averaged to the first's pixels.

    Args:
        lengths: Of the lines, in pixels of the second source. Default 9, 17, 33.
    """

    short = "lines"
    needs_second = True

    def __init__(self, lengths: Sequence[int] = (9, 17, 33)) -> None:
        self.lengths = tuple(lengths)
        check_lengths(type(self).__name__, self.lengths)

    def reach(self, scale: int) -> int:
        """Both ways of the longest line; arguments as for :meth:`ChannelGroup.reach`."""
        return ceil(2 * (max(self.lengths) // 2) / scale)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        """4 channels a length."""
        grey = np.ascontiguousarray(views.second.mean(axis=2))
        return block_mean(line_profile(grey, self.lengths, views.fine_limit), views.scale)
