"""Brightness, contrast, blur and solarisation of N-band images.

Statistics are those of the valid pixels; pixels without data never reach valid ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_interval, check_number
from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, band_means, generator, valid_mask, valid_spectra
from .smoothing import smooth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@TRANSFORMS.register_module()
class BandJitter(CubeTransform):
    """Scale brightness and contrast: f · (m + c · (x − m)), m the band's mean over the valid pixels.

    The factors f and c are drawn uniformly from 1 ± brightness and 1 ± contrast. Brightness scales with the mean, so it
    belongs before a standardisation.

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists.

    Modified keys: ``img``, float32.

    Args:
        brightness: Largest relative change of brightness, 0 to 1. Default 0.2.
        contrast: Largest relative change of contrast, 0 to 1. Default 0.2.
        per_band: Whether every band draws its own factors; else they are common (default), which keeps band ratios.
        prob: Probability of changing an image. Default 1.

    Raises:
        ConfigError: If a value cannot work.
    """

    scope = "random"

    def __init__(
        self, brightness: float = 0.2, contrast: float = 0.2, per_band: bool = False, prob: float = 1.0
    ) -> None:
        self.brightness = check_number("BandJitter", "brightness", brightness, 0, 1)
        self.contrast = check_number("BandJitter", "contrast", contrast, 0, 1)
        self.per_band = per_band
        self.prob = check_number("BandJitter", "prob", prob, 0, 1)

    def transform(self, results: dict) -> dict:
        """Jitter."""
        image = results["img"].astype(np.float32)
        results["img"] = image
        random = generator()
        if random.random() >= self.prob:
            return results
        draws = image.shape[2] if self.per_band else 1
        brightness = random.uniform(1 - self.brightness, 1 + self.brightness, draws).astype(np.float32)
        contrast = random.uniform(1 - self.contrast, 1 + self.contrast, draws).astype(np.float32)
        mean = band_means(results)
        results["img"] = image * (brightness * contrast) + mean * (brightness * (1 - contrast))
        return results


def blur(cube: NDArray, valid: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Blur every band by a Gaussian over the valid pixels alone: Σ w·v·x / Σ w·v (normalised convolution).

    Args:
        cube: Shape (H, W, C), any real dtype; NaN allowed where it is not valid.
        valid: Pixels that hold data, (H, W).
        sigma: Standard deviation in pixels. The kernel ends at 3 of them; borders are mirrored, edge pixels repeated.

    Returns:
        float32 array (H, W, C), 0 where not valid; its bands lie one after another.
    """
    if valid.all():
        return smooth(cube, sigma)
    image = np.where(valid[..., None], cube, 0).astype(np.float32)
    weight = smooth(valid.astype(np.float32)[..., None], sigma)
    scale = np.divide(1, weight, out=np.zeros_like(weight), where=valid[..., None])
    return smooth(image, sigma) * scale


@TRANSFORMS.register_module()
class GaussianBlur(CubeTransform):
    """Blur every band over its neighbours, by the rules of :func:`blur`.

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists.

    Modified keys: ``img``, float32; where blurred, 0 in pixels without data.

    Args:
        sigma: (smallest, largest) standard deviation in pixels, drawn uniformly. Default (0.1, 2).
        prob: Probability of blurring an image. Default 0.5.

    Raises:
        ConfigError: If a value cannot work.
    """

    scope = "random"

    def __init__(self, sigma: Sequence[float] = (0.1, 2.0), prob: float = 0.5) -> None:
        self.sigma = check_interval("GaussianBlur", "sigma", sigma, 0)
        if self.sigma[0] == 0:
            raise ConfigError(f"GaussianBlur: sigma={self.sigma} given, expected more than 0 pixels")
        self.prob = check_number("GaussianBlur", "prob", prob, 0, 1)

    def transform(self, results: dict) -> dict:
        """Blur."""
        results["img"] = results["img"].astype(np.float32)
        random = generator()
        if random.random() < self.prob:
            results["img"] = blur(results["img"], valid_mask(results), random.uniform(*self.sigma))
        return results


@TRANSFORMS.register_module()
class Solarize(CubeTransform):
    """Invert what is bright: x becomes b − x where x ≥ t, with b the band's largest valid value.

    As a photograph's solarisation, 255 − x from 128 on, but on each band's own scale: 128 means nothing to reflectance.

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists.

    Modified keys: ``img``, float32.

    Args:
        quantile: Threshold t as a quantile of the band's valid values, 0 to 1.
        value: Instead: threshold t in the image's units, common to all bands.
        prob: Probability of changing an image. Default 0.2.

    Raises:
        ConfigError: If not exactly one threshold is given or a value cannot work.
    """

    scope = "random"

    def __init__(self, quantile: float | None = None, value: float | None = None, prob: float = 0.2) -> None:
        if (quantile is None) == (value is None):
            raise ConfigError("Solarize: give either quantile or value")
        self.quantile = None if quantile is None else check_number("Solarize", "quantile", quantile, 0, 1)
        self.value = None if value is None else check_number("Solarize", "value", value)
        self.prob = check_number("Solarize", "prob", prob, 0, 1)

    def transform(self, results: dict) -> dict:
        """Solarize."""
        image = results["img"].astype(np.float32)
        results["img"] = image
        if generator().random() >= self.prob:
            return results
        spectra = valid_spectra(results)
        if len(spectra):
            brightest = spectra.max(axis=0)
            threshold = np.float32(self.value) if self.quantile is None else np.quantile(spectra, self.quantile, axis=0)
            results["img"] = np.where(image >= threshold, brightest - image, image)
        return results
