"""Scaling and principal components of a scene, fitted once without labels, from which all channels are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mmhsi.datasets.fitted import FittedArrays, Moments, divisors, principal_axes, true_spread
from mmhsi.errors import DataError

from .group import Views

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def _std(moments: Moments) -> NDArray[np.float64]:
    """Standard deviations; 1 of what does not vary."""
    return divisors(np.sqrt(moments.covariance.diagonal()), moments.mean)


def _projection(covariance: NDArray[np.float64], mean: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Principal axes over the standard deviations along them, (C, k); 0 where that is rounding of float32 values."""
    variances, axes = principal_axes(covariance, count)
    rounding = np.finfo(np.float32).eps ** 2 * (mean**2).sum()
    kept = variances > max(rounding, variances[0] * axes.shape[1] * np.finfo(np.float64).eps)
    return axes * np.divide(1, np.sqrt(variances), out=np.zeros_like(variances), where=kept)[:count]


def unit_length(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spectra divided by their Euclidean length; zeros stay.

    Args:
        spectra: Shape (n, C).
    """
    length = np.linalg.norm(spectra, axis=1, keepdims=True)
    return spectra / np.where(length > 0, length, 1.0)


@dataclass(frozen=True, eq=False)
class Basis(FittedArrays):
    """Scaling and projections of a scene.

    Attributes:
        mean: Of the bands, float64 (C,).
        std: Their standard deviations, (C,).
        axes: Projects scaled bands to principal components of unit variance, (C, k).
        unit_mean: Mean of the spectra of unit length, (C,).
        unit_axes: Projects them, less their mean, to principal components of unit variance, (C, k').
        second_mean: Of the second source's bands, (C2,); C2 is 0 without one.
        second_std: Their standard deviations, (C2,).
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    axes: NDArray[np.float64]
    unit_mean: NDArray[np.float64]
    unit_axes: NDArray[np.float64]
    second_mean: NDArray[np.float64]
    second_std: NDArray[np.float64]

    noun: ClassVar[str] = "a fitted scaling of a scene"

    def is_consistent(self) -> bool:
        """Whether the arrays' shapes fit together."""
        shapes = {self.std.shape, self.axes.shape[:1], self.unit_mean.shape, self.unit_axes.shape[:1]}
        return shapes == {self.mean.shape} and self.mean.ndim == 1 and self.second_mean.shape == self.second_std.shape

    @classmethod
    def fit(
        cls,
        scenes: Iterable[tuple[NDArray, NDArray[np.bool_], NDArray | None, int]],
        components: int,
        unit_components: int,
    ) -> Basis:
        """Fit to one scene or many tiles, row by row.

        Args:
            scenes: Image (H, W, C), pixels that hold data (H, W), second source (H · s, W · s, C2) or None, and s.
            components: k, at most C.
            unit_components: k', at most C.

        Raises:
            DataError: If no pixel holds data, or one that should is NaN or infinite.
        """
        bands, units, fine = Moments(), Moments(), Moments()
        for image, valid, second, scale in scenes:
            for row, mask in enumerate(valid):
                spectra = image[row][mask].astype(np.float64)
                if not np.isfinite(spectra).all():
                    raise DataError("SceneChannels: a pixel that should hold data is NaN or infinite")
                bands.update(spectra)
                units.update(unit_length(spectra))
                if second is not None:
                    rows = second[row * scale : (row + 1) * scale][:, mask.repeat(scale)].astype(np.float64)
                    if not np.isfinite(rows).all():
                        raise DataError("SceneChannels: the second source is NaN or infinite where it should hold data")
                    fine.update(rows.reshape(-1, second.shape[2]))
        if not bands.count:
            raise DataError("SceneChannels: no pixel of the scene holds data")
        std, vary = _std(bands), true_spread(np.sqrt(bands.covariance.diagonal()), bands.mean) > 0
        correlation = np.where(np.outer(vary, vary), bands.covariance / np.outer(std, std), 0)
        return cls(
            mean=bands.mean,
            std=std,
            axes=_projection(correlation, np.where(vary, bands.mean / std, 0), components),
            unit_mean=units.mean,
            unit_axes=_projection(units.covariance, units.mean, unit_components),
            second_mean=fine.mean,
            second_std=_std(fine),
        )

    def views(
        self,
        image: NDArray,
        valid: NDArray[np.bool_],
        second: NDArray | None,
        scale: int,
        limit: int | None,
    ) -> Views:
        """Scale and project rows of a scene.

        Args:
            image: Shape (H, W, C).
            valid: Pixels that hold data, (H, W).
            second: Second source (H · s, W · s, C2), or None.
            scale: s.
            limit: Pixels that a channel may see in every direction; None for any.
        """
        spectra = np.zeros(image.shape, dtype=np.float32)
        components = np.zeros((*valid.shape, self.axes.shape[1]), dtype=np.float32)
        normalised = np.zeros((*valid.shape, self.unit_axes.shape[1]), dtype=np.float32)
        for row, mask in enumerate(valid):  # a row in float64 at a time
            values = image[row][mask].astype(np.float64)
            scaled = (values - self.mean) / self.std
            spectra[row, mask] = scaled
            components[row, mask] = scaled @ self.axes
            normalised[row, mask] = (unit_length(values) - self.unit_mean) @ self.unit_axes
        finer = None
        if second is not None and len(self.second_mean):
            filled = valid.repeat(scale, axis=0).repeat(scale, axis=1)[..., None]
            finer = np.where(filled, (second - self.second_mean) / self.second_std, 0).astype(np.float32)
        return Views(spectra, components, normalised, valid, finer, scale, limit)
