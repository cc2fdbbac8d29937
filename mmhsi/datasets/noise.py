"""Which bands are mostly noise: where a file flags none, those of water vapour may be among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.doubts import doubt

from .fitted import true_spread

if TYPE_CHECKING:
    from mmhsi.io import HSICube

MANY_BANDS = 100
"""From so many bands on a cube is likely to reach into the water vapour around 1400 and 1900 nm."""
SHARE = 0.5
"""Share of a band's variance that is noise from which on it is proposed to be left out."""
_MOST_PIXELS = 256
"""Side of the part of the scene that is looked at."""


def noise_shares(cube: HSICube) -> np.ndarray:
    """Share of each band's variance that is noise, from 0 to 1.

    It is half the mean squared difference of neighbours by the variance, as the semivariance at one pixel's distance by
    the sill, in the direction in which it is smaller. White noise has 1, a picture of the ground, whose neighbours are
    alike, little. A band without variance has 1.

    Args:
        cube: The scene, or a part of it of at least 2×2 pixels.

    Returns:
        float64, (C,).
    """
    row, col = ((side - min(side, _MOST_PIXELS)) // 2 for side in cube.data.shape[:2])
    part = slice(row, row + _MOST_PIXELS), slice(col, col + _MOST_PIXELS)
    valid = cube.valid()[part]
    shares = np.ones(cube.data.shape[2])
    down, across = valid[1:] & valid[:-1], valid[:, 1:] & valid[:, :-1]
    if not down.any() or not across.any():
        return shares
    for band in range(shares.size):
        values = cube.data[(*part, band)].astype(np.float64)
        mean, variance = values[valid].mean(), values[valid].var()
        if not np.isfinite(variance) or not true_spread(np.sqrt(variance), mean):
            continue
        steps = [np.mean(np.diff(values, axis=axis)[both] ** 2) for axis, both in ((0, down), (1, across))]
        shares[band] = min(1.0, min(steps) / 2 / variance)
    return shares


def noisy_bands(cube: HSICube, share: float = SHARE) -> list[int]:
    """Bands that a test of noise proposes to leave out, 0-based (:func:`noise_shares`).

    Args:
        cube: The scene.
        share: Least share of noise. Default 0.5.
    """
    return np.flatnonzero(noise_shares(cube) >= share).tolist()


def doubt_bands(cube: HSICube) -> None:
    """Warn of a cube with many bands that says neither their wavelengths nor which are bad, and propose ``bad_bands``.

    Args:
        cube: The scene, with all of its bands.
    """
    count = cube.data.shape[2]
    if count < MANY_BANDS or cube.wavelengths is not None or not cube.good_bands.all():
        return
    noisy = noisy_bands(cube)
    if len(noisy) > count / 2:
        found = f"a test of noise doubts {len(noisy)} of them, too many to leave out; is this the right file?"
    else:
        found = f"a test of noise proposes bad_bands={noisy}" if noisy else "a test of noise finds none"
    doubt(
        cube.name,
        "noise",
        f"has {count} bands without wavelengths or flags; bands of water vapour may be among them: {found}",
    )
