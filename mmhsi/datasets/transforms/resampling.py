"""Spectra on other wavelengths or numbers of bands: linear interpolation and Gaussian band responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_number, numbers
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.wavelengths import check_nanometres
from mmhsi.registry import TRANSFORMS

from .common import BAND_KEYS, CubeTransform, known_wavelengths, source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def merge_bands(values: NDArray, positions: NDArray[np.float64]) -> tuple[NDArray, NDArray[np.float64]]:
    """Order the last axis by its position, and average what lies at one and the same.

    Args:
        values: Shape (…, C).
        positions: Shape (C,), such as wavelengths; in any order, repeats allowed.

    Returns:
        Values (…, U), float32 where bands were averaged, and the U positions, strictly increasing.
    """
    order = np.argsort(positions, kind="stable")
    unique, starts, counts = np.unique(positions[order], return_index=True, return_counts=True)
    if not np.array_equal(order, np.arange(len(order))):
        values = np.take(values, order, axis=-1)
    if len(unique) < len(positions):
        values = np.add.reduceat(values.astype(np.float32, copy=False), starts, axis=-1) / counts.astype(np.float32)
    return values, unique


def interpolate_bands(values: NDArray, source_at: NDArray[np.float64], target_at: NDArray[np.float64]) -> NDArray:
    """Interpolate along the last axis, linearly; beyond its ends the end bands are held.

    Args:
        values: Shape (…, C).
        source_at: Positions of the bands, shape (C,); in any order, repeats are averaged.
        target_at: Positions wanted, shape (T,), in any order.

    Returns:
        float32 array of shape (…, T).
    """
    values, at = merge_bands(values, source_at)
    upper = np.searchsorted(at, target_at).clip(min(1, len(at) - 1), len(at) - 1)
    lower = np.maximum(upper - 1, 0)
    # One band alone is its own lower and upper neighbour: a distance of 1 stands in for 0.
    distance = np.where(upper > lower, at[upper] - at[lower], 1.0)
    weight = ((target_at - at[lower]) / distance).clip(0, 1).astype(np.float32)
    below = np.take(values, lower, axis=-1).astype(np.float32, copy=False)
    above = np.take(values, upper, axis=-1).astype(np.float32, copy=False)
    return below * (1 - weight) + above * weight


def gaussian_response(
    source_at: NDArray[np.float64], target_at: NDArray[np.float64], fwhm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights by which bands of Gaussian response gather finer bands.

    Each source band counts by the response at its centre times its width on the wavelength axis, so that a finely
    sampled stretch does not outweigh a coarsely sampled one; each target's weights add up to 1.

    Args:
        source_at: Centres in nm, strictly increasing, shape (C,).
        target_at: Centres in nm, shape (T,).
        fwhm: Full widths at half maximum in nm, shape (T,).

    Returns:
        Shape (C, T).
    """
    width = np.gradient(source_at) if len(source_at) > 1 else np.ones(1)
    # Relative to the nearest centre, so that no target underflows to a sum of 0.
    exponent = -4 * np.log(2) * ((source_at[:, None] - target_at) / fwhm) ** 2
    weights = np.exp(exponent - exponent.max(axis=0)) * width[:, None]
    return weights / weights.sum(axis=0)


@TRANSFORMS.register_module()
class SpectralResample(CubeTransform):
    """Bring the spectra onto other band centres.

    Without ``fwhm``: linear interpolation between the two nearest centres. With it: every target band gathers the
    source bands by a Gaussian response (:func:`gaussian_response`), as a sensor with broader bands would. Source
    wavelengths may stand in any order; bands of equal wavelength are averaged.

    Required keys: ``img`` (H, W, C), ``wavelengths`` (C,) in nm. Wavelengths in µm are refused, not converted: the
    readers convert what a file declares.

    Modified keys: ``img`` (H, W, T) float32, ``wavelengths`` (T,), ``fwhm``: that of the targets, else interpolated
    where it is known.

    Args:
        wavelengths: Target centres in nm, shape (T,), in the order wanted.
        fwhm: Full width at half maximum of the targets in nm, one for all or one for each; None (default) for linear
            interpolation.
        extrapolate: Whether targets beyond the source's centres take what the end bands hold. Default False: an error.

    Raises:
        ConfigError: If wavelengths are empty, not positive or look like µm, or fwhm does not fit them.
    """

    scope = "pixel"

    def __init__(
        self,
        wavelengths: Sequence[float] | NDArray,
        fwhm: float | Sequence[float] | None = None,
        extrapolate: bool = False,
    ) -> None:
        centres = check_nanometres("SpectralResample", "wavelengths", wavelengths)
        widths = None if fwhm is None else numbers("SpectralResample", "fwhm", fwhm)
        if isinstance(widths, tuple) and len(widths) != len(centres):
            raise ConfigError(f"SpectralResample: fwhm has {len(widths)} values, wavelengths has {len(centres)}")
        for value in widths if isinstance(widths, tuple) else () if widths is None else (widths,):
            if check_number("SpectralResample", "fwhm", value, 0) == 0:
                raise ConfigError("SpectralResample: fwhm=0 given, expected a width in nm; leave it out to interpolate")
        self.wavelengths = centres
        self.fwhm = widths
        self.extrapolate = extrapolate
        self._centres = np.asarray(centres)
        self._widths = None if widths is None else np.broadcast_to(np.asarray(widths, dtype=float), (len(centres),))

    def _check_covered(self, wavelengths: NDArray[np.float64], results: dict) -> None:
        low, high = wavelengths.min(), wavelengths.max()
        beyond = self._centres[(self._centres < low) | (self._centres > high)]
        if len(beyond) and not self.extrapolate:
            raise DataError(
                f"{source(results)}: its bands cover {low:g} to {high:g} nm, SpectralResample wants {beyond[0]:g} nm; "
                "extrapolate=True would hold the end bands"
            )
        if self._widths is None:
            return
        nearest = np.abs(wavelengths[:, None] - self._centres).min(axis=0)
        if (nearest > self._widths).any():
            band = int(np.argmax(nearest - self._widths))
            raise DataError(
                f"{source(results)}: no band lies within fwhm={self._widths[band]:g} nm of {self._centres[band]:g} nm, "
                "which SpectralResample wants"
            )

    def transform(self, results: dict) -> dict:
        """Resample.

        Raises:
            DataError: If wavelengths are unknown or in µm, or do not cover the targets.
        """
        wavelengths = known_wavelengths(results, "SpectralResample")
        self._check_covered(wavelengths, results)
        if self._widths is None:
            results["img"] = interpolate_bands(results["img"], wavelengths, self._centres)
            if results.get("fwhm") is not None:
                widths = np.asarray(results["fwhm"], dtype=np.float64)
                results["fwhm"] = interpolate_bands(widths, wavelengths, self._centres).astype(np.float64)
        else:
            image, at = merge_bands(results["img"], wavelengths)
            weights = gaussian_response(at, self._centres, self._widths).astype(np.float32)
            height, width, bands = image.shape
            spectra = image.reshape(-1, bands).astype(np.float32, copy=False)
            results["img"] = (spectra @ weights).reshape(height, width, -1)
            results["fwhm"] = self._widths.copy()
        results["wavelengths"] = self._centres.copy()
        return results


@TRANSFORMS.register_module()
class BandResample(CubeTransform):
    """Interpolate spectra linearly to a number of bands, along the band index.

    For corpora whose files carry no wavelengths; where they do, ``SpectralResample`` is right.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, float32 unless it has that many bands already; ``wavelengths`` and ``fwhm``, likewise
    interpolated where they are known.

    Args:
        num_bands: Bands wanted.

    Raises:
        ConfigError: If ``num_bands`` is not positive.
    """

    scope = "pixel"

    def __init__(self, num_bands: int) -> None:
        if num_bands < 1:
            raise ConfigError(f"BandResample: num_bands={num_bands} given, expected at least 1")
        self.num_bands = num_bands

    def transform(self, results: dict) -> dict:
        """Interpolate."""
        bands = results["img"].shape[2]
        if bands == self.num_bands:
            return results
        at, wanted = np.arange(bands, dtype=np.float64), np.linspace(0, bands - 1, self.num_bands)
        results["img"] = interpolate_bands(results["img"], at, wanted)
        for key in BAND_KEYS:
            if results.get(key) is not None:
                results[key] = np.interp(wanted, at, results[key])
        return results
