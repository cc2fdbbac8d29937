"""Where to label next: pixels of which the model is unsure, of spectra unlike each other, spread over the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.progress import watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io import CubeReader

CANDIDATES = 5000
"""Pixels that are looked at, at most: their spectra are compared with every chosen one's."""
ROWS = 256
"""Of a map, in memory at a time."""


def doubt_between(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near the second most probable class comes to the first: 0 far off, 1 as probable.

    Entropy asks for pixels that might be any of many classes; those between two are worth more labels.

    Args:
        shares: Class probabilities, (…, K), K at least 2.

    Returns:
        1 − (largest − second largest), (…); NaN where a probability is.
    """
    two = np.sort(shares, axis=-1)[..., -2:]
    return 1 - (two[..., 1] - two[..., 0])


def read_doubt(reader: CubeReader) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Doubt of every pixel, some rows of its file in memory at a time.

    Args:
        reader: Open file (H, W, K): class probabilities, which :func:`doubt_between` turns into doubt; or doubt itself,
            where K is 1.

    Returns:
        Doubt, (H, W), and which pixels hold data, bool (H, W).

    Raises:
        DataError: It cannot be read.
    """
    height, width, bands = reader.info.shape
    doubt, known = np.empty((height, width), dtype=np.float32), np.empty((height, width), dtype=bool)
    for row in watched(range(0, height, ROWS), "reading the uncertainty"):
        part = reader.read((row, 0, min(ROWS, height - row), width))
        doubt[row : row + ROWS] = part.data[..., 0] if bands == 1 else doubt_between(part.data)
        known[row : row + ROWS] = part.valid()
    return doubt, known


def draw_candidates(uncertainty: NDArray[np.float32], count: int, seed: int = 0) -> NDArray[np.int64]:
    """Pixels among which points are chosen: all, or :data:`CANDIDATES` drawn by their uncertainty.

    Args:
        uncertainty: Of every pixel that holds data, 0 to 1, (N,).
        count: Points wanted, of which there are at least as many candidates where N allows.
        seed: Of the draw.

    Returns:
        Their indices, rising.
    """
    most = max(CANDIDATES, count)
    if len(uncertainty) <= most:
        return np.arange(len(uncertainty))
    weights = np.maximum(uncertainty.astype(np.float64), 1e-9)
    drawn = np.random.default_rng(seed).choice(len(weights), most, replace=False, p=weights / weights.sum())
    return np.sort(drawn)


def suggest_pixels(
    spectra: NDArray[np.float32],
    places: NDArray[np.int64],
    uncertainty: NDArray[np.float32],
    count: int,
    distance: float = 0.0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Choose pixels greedily by uncertainty times diversity.

    The first is the most uncertain one. Each further one has the largest product of its uncertainty and of its
    spectrum's distance from the nearest chosen one (k-centre, Sener and Savarese 2018, weighted), among those that lie
    at least ``distance`` pixels from all that are chosen.

    Args:
        spectra: (N, C); bands are scaled to unit deviation.
        places: (row, column) of each, (N, 2).
        uncertainty: 0 to 1, (N,), such as :func:`doubt_between` or the normalised entropy of a map.
        count: Pixels wanted.
        distance: Least distance of two of them, in pixels. Default 0.
        seed: Of the draw that ties are broken by.

    Returns:
        Indices of the chosen ones in the order of choice, fewer than ``count`` where ``distance`` leaves no more.

    Raises:
        DataError: There is no pixel to choose from.
    """
    if not len(spectra):
        raise DataError("suggest: there is no pixel to choose from")
    scaled = (spectra - spectra.mean(axis=0)) / np.maximum(spectra.std(axis=0), 1e-12)
    weight = uncertainty + np.random.default_rng(seed).uniform(0, 1e-6, len(uncertainty))
    nearest = np.ones(len(scaled))
    free = np.ones(len(scaled), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        pick = int(np.argmax(np.where(free, weight * nearest, -1.0)))
        apart = np.linalg.norm(scaled - scaled[pick], axis=1)
        nearest = apart if not chosen else np.minimum(nearest, apart)
        free &= (np.linalg.norm(places - places[pick], axis=1) >= distance) & (np.arange(len(free)) != pick)
        chosen.append(pick)
    return np.array(chosen)
