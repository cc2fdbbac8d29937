"""Texture of a grey picture: structure tensor, Gabor magnitudes, binary patterns."""

from __future__ import annotations

from math import ceil, log, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
import scipy

from .filters import blur

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATTERNS = 10
"""Uniform patterns of 8 neighbours that do not tell rotations apart, and one for all others."""


def gradients(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Half differences along rows and columns; the borders are mirrored.

    Args:
        grey: Shape (H, W).

    Returns:
        Down and to the right, float32 (H, W).
    """
    down, right = (scipy.ndimage.correlate1d(grey, [-0.5, 0.0, 0.5], axis=axis, mode="mirror") for axis in (0, 1))
    return down, right


def structure(grey: NDArray[np.float32], sigma: float, limit: int | None = None) -> NDArray[np.float32]:
    """Local standard deviation, gradient energy and coherence of the structure tensor.

    With J the Gaussian mean of the outer products of the gradient: the energy is √trace J, the coherence
    √((J₁₁ − J₂₂)² + 4 J₁₂²) / trace J, 1 for parallel edges, 0 for none or all directions (J. Bigün, G. H. Granlund,
    ICCV 1987).

    Args:
        grey: Shape (H, W).
        sigma: Of the Gaussian, in pixels.
        limit: Pixels that may be seen in every direction; None for any.

    Returns:
        float32 array (H, W, 3).
    """
    mean, square = blur(grey, sigma, limit), blur(grey**2, sigma, limit)
    down, right = gradients(grey)
    inner = None if limit is None else limit - 1
    j11, j22, j12 = (blur(product, sigma, inner) for product in (down**2, right**2, down * right))
    trace = j11 + j22
    coherence = np.sqrt((j11 - j22) ** 2 + 4 * j12**2) / (trace + 1e-6)
    return np.stack([np.sqrt((square - mean**2).clip(min=0)), np.sqrt(trace), coherence], axis=2)


def gabor_sigma(frequency: float) -> float:
    """Standard deviation in pixels of a Gabor filter with a bandwidth of one octave: √(ln 2 / 2) · 3 / (π f).

    Args:
        frequency: f, in cycles a pixel.
    """
    return sqrt(log(2) / 2) * 3 / (pi * frequency)


def gabor_radius(frequency: float, limit: int | None = None) -> int:
    """Where a Gabor filter ends, in pixels: at three standard deviations.

    Args:
        frequency: In cycles a pixel.
        limit: Pixels that may be seen in every direction; None for any.
    """
    radius = ceil(3 * gabor_sigma(frequency))
    return radius if limit is None else min(radius, limit)


def gabor_magnitude(
    grey: NDArray[np.float32], frequency: float, angle: float, limit: int | None = None
) -> NDArray[np.float32]:
    """Magnitude of a complex Gabor filter, (1 / 2πσ²) exp(−r² / 2σ² + 2πi f (x cos θ + y sin θ)).

    Its envelope is round, so that the filter is a product of one along rows and one along columns.

    Args:
        grey: Shape (H, W).
        frequency: f, in cycles a pixel.
        angle: θ, in radians.
        limit: Pixels that may be seen in every direction; None for any.
    """
    sigma, radius = gabor_sigma(frequency), gabor_radius(frequency, limit)
    place = np.arange(-radius, radius + 1)
    envelope = np.exp(-0.5 * (place / sigma) ** 2) / (sqrt(2 * pi) * sigma)
    across = envelope * np.exp(2j * pi * frequency * np.cos(angle) * place)
    along = envelope * np.exp(2j * pi * frequency * np.sin(angle) * place)
    rows = scipy.ndimage.correlate1d(grey, across, axis=1, output=np.complex64, mode="mirror")
    return np.abs(scipy.ndimage.correlate1d(rows, along, axis=0, output=np.complex64, mode="mirror"))


def patterns(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Uniform local binary patterns of 8 neighbours at distance 1 (T. Ojala et al., IEEE TPAMI 24(7), 2002).

    Args:
        grey: Shape (H, W), scaled to about unit variance; differences below 1/256 count as none.

    Returns:
        Codes 0 to 9, (H, W).
    """
    whole = np.pad(np.rint(grey * 256), 1, mode="reflect").astype(np.int32)
    from skimage.feature import local_binary_pattern  # not at the top: for those who ask for it

    return local_binary_pattern(whole, 8, 1, method="uniform")[1:-1, 1:-1].astype(np.uint8)
