"""Values on another scale: reflectance, a range, zero mean and unit variance.

The models' preprocessors normalise on the device. These are for pipelines that need it earlier, such as before a
photometric augmentation whose strength is absolute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mmhsi.arguments import check_choice, check_interval, check_number, numbers
from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, Scope, for_bands, valid_spectra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@TRANSFORMS.register_module()
class ScaleReflectance(CubeTransform):
    """Turn stored integers into reflectance: value × factor + offset.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, float32.

    Args:
        factor: Reflectance of one stored unit. Default 1e-4: 10000 stands for 1.
        offset: Added afterwards. Default 0.
        clip: (smallest, largest) reflectance that is let through; None (default) lets all through.

    Raises:
        ConfigError: If factor is 0 or a value cannot work.
    """

    scope = "pixel"

    def __init__(self, factor: float = 1e-4, offset: float = 0.0, clip: Sequence[float] | None = None) -> None:
        if check_number("ScaleReflectance", "factor", factor) == 0:
            raise ConfigError("ScaleReflectance: factor=0 given, every value would become the offset")
        self.factor = factor
        self.offset = check_number("ScaleReflectance", "offset", offset)
        self.clip = None if clip is None else check_interval("ScaleReflectance", "clip", clip)

    def transform(self, results: dict) -> dict:
        """Scale."""
        image = results["img"].astype(np.float32) * np.float32(self.factor) + np.float32(self.offset)
        results["img"] = image if self.clip is None else image.clip(*self.clip)
        return results


@TRANSFORMS.register_module()
class UnitSpectra(CubeTransform):
    """Divide every spectrum by its length, which leaves its shape and takes its brightness: shadow and slope.

    The angle between spectra is all that is left of their difference, as in spectral angle mapping (F. A. Kruse et al.,
    Remote Sensing of Environment 44, 1993).

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, float32. A spectrum of zeros stays one.
    """

    scope = "pixel"

    def transform(self, results: dict) -> dict:
        """Scale."""
        image = results["img"].astype(np.float32)
        largest = np.abs(image).max(axis=2, keepdims=True)  # so that no square leaves float32
        image = np.divide(image, largest, out=np.zeros_like(image), where=largest != 0)
        length = np.linalg.norm(image, axis=2, keepdims=True)
        results["img"] = np.divide(image, length, out=image, where=length != 0)
        return results


@TRANSFORMS.register_module()
class MinMaxScale(CubeTransform):
    """Bring values to 0 … 1: (x − minimum) / (maximum − minimum).

    Required keys: ``img`` (H, W, C); ``valid`` (H, W) where nodata exists.

    Modified keys: ``img``, float32. A band of one value becomes 0, and so does an image without a valid pixel.

    Args:
        over: Where minimum and maximum are not given: those of the image's valid pixels, of each ``'band'`` (default)
            or of the whole ``'cube'``, which keeps the spectra's shapes.
        minimum: Given minimum, one for all bands or one for each, in the image's units; None (default) to measure it.
        maximum: Given maximum, likewise.
        clip: Whether values outside become 0 or 1. Default False.

    Raises:
        ConfigError: If only one of both is given, a maximum does not exceed its minimum, or over is unknown.
    """

    scope: Scope = "image"  # unless minimum and maximum are given

    def __init__(
        self,
        over: Literal["band", "cube"] = "band",
        minimum: float | Sequence[float] | None = None,
        maximum: float | Sequence[float] | None = None,
        clip: bool = False,
    ) -> None:
        if (minimum is None) != (maximum is None):
            raise ConfigError("MinMaxScale: give both minimum and maximum, or neither")
        self.over = check_choice("MinMaxScale", "over", over, ("band", "cube"))
        self.minimum = None if minimum is None else numbers("MinMaxScale", "minimum", minimum)
        self.maximum = None if maximum is None else numbers("MinMaxScale", "maximum", maximum)
        self.clip = clip
        if self.minimum is not None and self.maximum is not None:
            self.scope = "pixel"
            low, high = np.atleast_1d(self.minimum), np.atleast_1d(self.maximum)
            if len(low) != len(high) and 1 not in (len(low), len(high)):
                raise ConfigError(f"MinMaxScale: minimum has {len(low)} values, maximum has {len(high)}")
            if (high <= low).any():
                raise ConfigError("MinMaxScale: a maximum does not exceed its minimum")

    def _bounds(self, results: dict) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.minimum is not None and self.maximum is not None:
            return (
                for_bands("MinMaxScale", "minimum", self.minimum, results),
                for_bands("MinMaxScale", "maximum", self.maximum, results),
            )
        spectra = valid_spectra(results)
        if not len(spectra):
            return np.float32(0), np.float32(0)  # type: ignore[return-value]
        axis = 0 if self.over == "band" else None
        return spectra.min(axis=axis).astype(np.float32), spectra.max(axis=axis).astype(np.float32)

    def transform(self, results: dict) -> dict:
        """Scale.

        Raises:
            DataError: If minimum or maximum does not fit the image's bands.
        """
        low, high = self._bounds(results)
        spread = high - low
        scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
        image = (results["img"].astype(np.float32) - low) * scale
        results["img"] = image.clip(0, 1) if self.clip else image
        return results


@TRANSFORMS.register_module()
class Standardize(CubeTransform):
    """Subtract a mean, divide by a standard deviation.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, float32.

    Args:
        mean: One for all bands or one for each, in the image's units.
        std: Likewise, above 0.

    Raises:
        ConfigError: If their numbers differ or a standard deviation is not positive.
    """

    scope = "pixel"

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = numbers("Standardize", "mean", mean)
        self.std = numbers("Standardize", "std", std)
        if isinstance(self.mean, tuple) and isinstance(self.std, tuple) and len(self.mean) != len(self.std):
            raise ConfigError(f"Standardize: mean has {len(self.mean)} values, std has {len(self.std)}")
        if (np.asarray(self.std) <= 0).any():
            raise ConfigError("Standardize: a std is not above 0; leave out constant bands")

    def transform(self, results: dict) -> dict:
        """Standardize.

        Raises:
            DataError: If mean or std does not fit the image's bands.
        """
        mean = for_bands("Standardize", "mean", self.mean, results)
        std = for_bands("Standardize", "std", self.std, results)
        results["img"] = (results["img"].astype(np.float32) - mean) / std
        return results


@TRANSFORMS.register_module()
class StandardizeScene(CubeTransform):
    """Bring every band to zero mean and unit variance over its whole scene.

    Sensors count in units of their own; within a corpus only the deviation from a scene's mean is comparable.

    Required keys: ``img`` (H, W, C); ``scene_mean`` and ``scene_std`` (C,), which
    :class:`mmhsi.datasets.CorpusDataset` gives.

    Modified keys: ``img``, float32. A band without any spread becomes 0.
    """

    scope = "image"

    def transform(self, results: dict) -> dict:
        """Standardize."""
        std = np.where(results["scene_std"] > 0, results["scene_std"], 1.0).astype(np.float32)
        results["img"] = (results["img"].astype(np.float32) - results["scene_mean"].astype(np.float32)) / std
        return results
