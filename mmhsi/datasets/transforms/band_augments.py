"""Noise, missing bands and shifted spectra."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mmhsi.arguments import check_choice, check_number, is_whole
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, band_deviations, band_means, generator, known_wavelengths, source
from .resampling import interpolate_bands


@TRANSFORMS.register_module()
class SpectralNoise(CubeTransform):
    """Add Gaussian noise, independent in every band and pixel.

    Its variance is σ² + signal² · ``|x · m|``: a constant part, and one that grows with the signal as photon noise
    does, scaled such that it has a standard deviation of ``signal`` times m where x is m, the band's mean over valid
    pixels.

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists.

    Modified keys: ``img``, float32.

    Args:
        std: Standard deviation σ of the constant part, as ``relative`` says. Default 0.02.
        relative: Whether ``std`` is a share of each band's standard deviation over the valid pixels (default), or is
            in the image's units.
        signal: Standard deviation of the growing part at a band's mean, as a share of that mean. Default 0.
        prob: Probability of changing an image. Default 1.

    Raises:
        ConfigError: If a value cannot work, or both parts are 0.
    """

    scope = "random"

    def __init__(self, std: float = 0.02, relative: bool = True, signal: float = 0.0, prob: float = 1.0) -> None:
        self.std = check_number("SpectralNoise", "std", std, 0)
        self.relative = relative
        self.signal = check_number("SpectralNoise", "signal", signal, 0)
        self.prob = check_number("SpectralNoise", "prob", prob, 0, 1)
        if std == 0 and signal == 0:
            raise ConfigError("SpectralNoise: std=0 and signal=0 given, no noise would be added")

    def transform(self, results: dict) -> dict:
        """Add noise."""
        image = results["img"].astype(np.float32)
        results["img"] = image
        random = generator()
        if random.random() >= self.prob:
            return results
        deviation = np.float32(self.std) * (band_deviations(results) if self.relative else np.ones(1, dtype=np.float32))
        if self.signal:
            deviation = np.sqrt(deviation**2 + np.float32(self.signal**2) * np.abs(image * band_means(results)))
        results["img"] = image + random.standard_normal(image.shape, dtype=np.float32) * deviation
        return results


@TRANSFORMS.register_module()
class BandDropout(CubeTransform):
    """Set random bands to a fill value, in the image's dtype; at least one band stays.

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists, for ``fill='mean'``.

    Modified keys: ``img``.

    Args:
        ratio: Probability with which each band is dropped, on its own, 0 to below 1.
        count: Instead: how many bands are dropped, exactly.
        fill: Value of dropped bands in the image's units, or ``'mean'`` for the band's mean over the valid pixels, with
            which an integer image becomes float32. Default 0.
        prob: Probability of changing an image. Default 1.

    Raises:
        ConfigError: If not exactly one of ratio and count is given, or a value cannot work.
    """

    scope = "random"

    def __init__(
        self,
        ratio: float | None = None,
        count: int | None = None,
        fill: float | Literal["mean"] = 0.0,
        prob: float = 1.0,
    ) -> None:
        if (ratio is None) == (count is None):
            raise ConfigError("BandDropout: give either ratio or count")
        if ratio is not None and check_number("BandDropout", "ratio", ratio, 0, 1) == 1:
            raise ConfigError("BandDropout: ratio=1 given, no band would be left")
        if count is not None and (not is_whole(count) or count < 1):
            raise ConfigError(f"BandDropout: count={count!r} given, expected a whole number of at least 1")
        self.ratio = ratio
        self.count = count
        self.fill = fill if isinstance(fill, str) and fill == "mean" else check_number("BandDropout", "fill", fill)
        self.prob = check_number("BandDropout", "prob", prob, 0, 1)

    def _draw(self, random: np.random.Generator, bands: int) -> np.ndarray:
        """Dropped bands, bool (C,)."""
        if self.ratio is None:
            dropped = np.zeros(bands, dtype=bool)
            dropped[random.permutation(bands)[: self.count]] = True
            return dropped
        dropped = random.random(bands) < self.ratio
        if dropped.all():
            dropped[random.integers(bands)] = False
        return dropped

    def transform(self, results: dict) -> dict:
        """Drop bands.

        Raises:
            DataError: If ``count`` leaves no band, or the image's dtype cannot hold ``fill``.
        """
        image = results["img"]
        if self.count is not None and self.count >= image.shape[2]:
            raise DataError(f"{source(results)}: BandDropout count={self.count} leaves none of {image.shape[2]} bands")
        if isinstance(self.fill, str):
            image = image.astype(np.float32)
            fill = band_means(results)
        else:
            fill = np.full(image.shape[2], self.fill).astype(image.dtype)
            if image.dtype.kind in "iu" and fill[0] != self.fill:
                raise DataError(
                    f"{source(results)}: is {image.dtype}, which cannot hold fill={self.fill:g} of BandDropout"
                )
        results["img"] = image
        random = generator()
        if random.random() < self.prob:
            results["img"] = np.where(self._draw(random, image.shape[2]), fill, image)
        return results


@TRANSFORMS.register_module()
class SpectralShift(CubeTransform):
    """Shift the spectra along the bands, as a drift of the spectrometer does: x'(b) = x(b + δ), interpolated linearly.

    One δ is drawn for the image, uniformly from ± ``shift``. Beyond the first and last band those are held. The
    wavelengths stay: they are what the drifted sensor believes.

    Required keys: ``img`` (H, W, C); ``wavelengths`` (C,) nm for ``unit='nm'``.

    Modified keys: ``img``, float32.

    Args:
        shift: Largest shift. Default 0.5.
        unit: ``'band'`` (default), in steps of the band order, or ``'nm'``.
        prob: Probability of changing an image. Default 1.

    Raises:
        ConfigError: If shift is not above 0, unit is unknown or prob no probability.
    """

    scope = "random"

    def __init__(self, shift: float = 0.5, unit: Literal["band", "nm"] = "band", prob: float = 1.0) -> None:
        if check_number("SpectralShift", "shift", shift, 0) == 0:
            raise ConfigError("SpectralShift: shift=0 given, expected a largest shift above 0")
        self.shift = shift
        self.unit = check_choice("SpectralShift", "unit", unit, ("band", "nm"))
        self.prob = check_number("SpectralShift", "prob", prob, 0, 1)

    def transform(self, results: dict) -> dict:
        """Shift.

        Raises:
            DataError: If wavelengths are needed and unknown.
        """
        image = results["img"].astype(np.float32)
        results["img"] = image
        at = (
            known_wavelengths(results, "SpectralShift")
            if self.unit == "nm"
            else np.arange(image.shape[2], dtype=np.float64)
        )
        random = generator()
        if random.random() < self.prob:
            results["img"] = interpolate_bands(image, at, at + random.uniform(-self.shift, self.shift))
        return results
