"""Scenes of different sensors brought to one scale and one number of bands."""

from __future__ import annotations

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform
from .resampling import interpolate_bands


@TRANSFORMS.register_module()
class StandardiseScene(CubeTransform):
    """Bring every band to zero mean and unit variance over its whole scene.

    Sensors count in units of their own; within a corpus only the deviation from a scene's mean is comparable.

    Required keys: ``img`` (H, W, C); ``scene_mean`` and ``scene_std`` (C,), which
    :class:`mmhsi.datasets.CorpusDataset` gives.

    Modified keys: ``img``, float32. A band without any spread becomes 0.
    """

    def transform(self, results: dict) -> dict:
        """Standardise."""
        std = np.where(results["scene_std"] > 0, results["scene_std"], 1.0).astype(np.float32)
        results["img"] = (results["img"].astype(np.float32) - results["scene_mean"].astype(np.float32)) / std
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

    def __init__(self, num_bands: int) -> None:
        if num_bands < 1:
            raise ConfigError(f"BandResample: num_bands={num_bands} given, expected at least 1")
        self.num_bands = num_bands

    def transform(self, results: dict) -> dict:
        """Interpolate."""
        bands = results["img"].shape[2]
        if bands == self.num_bands:
            return results
        source, target = np.arange(bands, dtype=np.float64), np.linspace(0, bands - 1, self.num_bands)
        results["img"] = interpolate_bands(results["img"], source, target)
        for key in ("wavelengths", "fwhm"):
            if results.get(key) is not None:
                results[key] = np.interp(target, source, results[key])
        return results
