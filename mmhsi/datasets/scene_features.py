"""Features of classical classifiers, made of a whole scene without labels: spectra, window means, morphology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from mmhsi.errors import ConfigError, DataError

from .statistics import BandStatistics
from .transforms.pca import fit_pca

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEATURES = ("spectra", "mean", "emp")


def standardise(image: NDArray, valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Bring every band to zero mean and unit variance over the valid pixels of the scene.

    Args:
        image: Shape (H, W, C), any real dtype.
        valid: Pixels that hold data, (H, W).

    Returns:
        float64 array (H, W, C); 0, the mean, in pixels without data and in bands without any spread.

    Raises:
        DataError: If no pixel holds data, or a valid one is NaN or infinite.
    """
    if not valid.any():
        raise DataError("features: no pixel of the scene holds data")
    spectra = image[valid]
    if not np.isfinite(spectra).all():
        raise DataError("features: a pixel that should hold data is NaN or infinite")
    statistics = BandStatistics(image.shape[2])
    statistics.update(spectra)
    std = statistics.std
    result = np.zeros(image.shape)
    result[valid] = (spectra - statistics.mean) / np.where(std > 0, std, 1.0)
    return result


def window_mean(image: NDArray, valid: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Mean of the valid pixels in the window around every pixel; the scene's borders are mirrored.

    Args:
        image: Shape (H, W, C), finite.
        valid: Pixels that hold data, (H, W).
        window: Side of the window in pixels, odd.

    Returns:
        float64 array (H, W, C); 0 where the window holds no data.

    Raises:
        ConfigError: If ``window`` is not odd and positive.
    """
    if window < 1 or window % 2 == 0:
        raise ConfigError(f"window_mean: window={window} given, expected an odd number of pixels")
    weight = valid.astype(np.float64)
    total = uniform_filter(image * weight[..., None], size=(window, window, 1), mode="mirror")
    share = uniform_filter(weight, size=window, mode="mirror")
    filled = share > 0.5 / window**2  # the filter's running sums leave rounding where nothing is
    return np.where(filled[..., None], total / np.where(filled, share, 1.0)[..., None], 0.0)


def disc(radius: int) -> NDArray[np.bool_]:
    """Pixels no farther than ``radius`` from the centre, shape (2 · radius + 1, 2 · radius + 1).

    Args:
        radius: In pixels.
    """
    offset = np.arange(-radius, radius + 1)
    return offset[:, None] ** 2 + offset**2 <= radius**2


def reconstruct_by_dilation(marker: NDArray, mask: NDArray) -> NDArray:
    """Grow ``marker`` under ``mask`` until nothing changes (L. Vincent, IEEE TIP 2(2), 1993), 8 neighbours a pixel.

    Args:
        marker: Shape (H, W), finite, nowhere above ``mask``.
        mask: Shape (H, W), finite.

    Returns:
        Array (H, W): the largest that ``marker`` can reach through neighbouring pixels without exceeding ``mask``.
    """
    while True:
        grown = np.minimum(maximum_filter(marker, size=3, mode="nearest"), mask)
        if np.array_equal(grown, marker):
            return grown
        marker = grown


def opening_by_reconstruction(image: NDArray, radius: int) -> NDArray[np.float64]:
    """Remove what is brighter than its surroundings and holds no disc of ``radius``; keep all other shapes exactly.

    Args:
        image: Shape (H, W), finite.
        radius: Of the disc, in pixels.

    Returns:
        float64 array (H, W), nowhere above ``image``.
    """
    image = image.astype(np.float64)  # integers have no infinity to put beyond the border
    eroded = minimum_filter(image, footprint=disc(radius), mode="constant", cval=np.inf)
    return reconstruct_by_dilation(eroded, image)


def closing_by_reconstruction(image: NDArray, radius: int) -> NDArray[np.float64]:
    """Fill what is darker than its surroundings and holds no disc of ``radius``; keep all other shapes exactly.

    Args:
        image: Shape (H, W), finite.
        radius: Of the disc, in pixels.

    Returns:
        float64 array (H, W), nowhere below ``image``.
    """
    return -opening_by_reconstruction(-image.astype(np.float64), radius)


def morphological_profile(image: NDArray, radii: Sequence[int]) -> NDArray[np.float64]:
    """Openings and closings by reconstruction with growing discs.

    M. Pesaresi, J. A. Benediktsson, A new approach for the morphological segmentation of high-resolution satellite
    imagery, IEEE TGRS 39(2), 2001.

    Args:
        image: Shape (H, W), finite.
        radii: n radii in pixels.

    Returns:
        float64 array (H, W, 2n + 1): closings from the last radius to the first, ``image``, openings from the first
        to the last.
    """
    closings = [closing_by_reconstruction(image, radius) for radius in reversed(radii)]
    openings = [opening_by_reconstruction(image, radius) for radius in radii]
    return np.stack([*closings, image, *openings], axis=-1)


def extended_morphological_profile(
    image: NDArray, valid: NDArray[np.bool_], components: int, radii: Sequence[int]
) -> NDArray[np.float64]:
    """Morphological profiles of the first principal components.

    J. A. Benediktsson, J. A. Palmason, J. R. Sveinsson, Classification of hyperspectral data from urban areas based on
    extended morphological profiles, IEEE TGRS 43(3), 2005.

    Args:
        image: Shape (H, W, C), finite, 0 in pixels without data (:func:`standardise`).
        valid: Pixels that hold data, (H, W).
        components: k; fitted to all valid pixels.
        radii: n radii in pixels, each at least 1.

    Returns:
        float64 array (H, W, k · (2n + 1)).

    Raises:
        ConfigError: If k is not from 1 to C or a radius is below 1.
    """
    if not radii or min(radii) < 1:
        raise ConfigError(f"extended_morphological_profile: radii={tuple(radii)} given, expected at least 1 each")
    pca = fit_pca([image[valid]], components)
    projected = (image - pca.mean) @ pca.components.T
    return np.concatenate([morphological_profile(projected[..., k], radii) for k in range(components)], axis=-1)


class SceneFeatures:
    """Features of every pixel of a scene, by name; each is made once and standardised over the valid pixels.

    Scaling, principal components and profiles use all valid pixels of the scene, test pixels included, but no label.

    Args:
        image: Shape (H, W, C), any real dtype.
        valid: Pixels that hold data, (H, W).
        window: Side of the window of ``mean``, odd. Default 7.
        components: Principal components of ``emp``. Default 6.
        radii: Radii of the discs of ``emp`` in pixels. Default 2, 4, 6, 8.
    """

    def __init__(
        self,
        image: NDArray,
        valid: NDArray[np.bool_],
        window: int = 7,
        components: int = 6,
        radii: Sequence[int] = (2, 4, 6, 8),
    ) -> None:
        self.image = standardise(image, valid)
        self.valid = valid
        self.window = window
        self.components = components
        self.radii = tuple(radii)
        self._made: dict[str, NDArray[np.float64]] = {}

    def _make(self, name: str) -> NDArray[np.float64]:
        """One feature (H, W, F)."""
        if name == "spectra":
            return self.image
        if name == "mean":
            return standardise(window_mean(self.image, self.valid, self.window), self.valid)
        if name == "emp":
            profile = extended_morphological_profile(self.image, self.valid, self.components, self.radii)
            return standardise(profile, self.valid)
        raise ConfigError(f"features: {name!r} is unknown, expected some of {', '.join(FEATURES)}, joined by '+'")

    def __call__(self, names: str) -> NDArray[np.float64]:
        """Make features.

        Args:
            names: One of :data:`FEATURES`, or several joined by ``+``.

        Returns:
            float64 array (H, W, F).

        Raises:
            ConfigError: If a name is unknown.
        """
        for name in names.split("+"):
            if name not in self._made:
                self._made[name] = self._make(name)
        return np.concatenate([self._made[name] for name in names.split("+")], axis=-1)
