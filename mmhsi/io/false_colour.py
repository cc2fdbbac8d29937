"""Three bands of a cube as a picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError

# Where neither wavelengths nor bands are known: spread over the sensor's range, clear of its noisy ends, red highest.
FRACTIONS = (0.75, 0.5, 0.25)


def rgb_band_indices(
    count: int,
    wavelengths: npt.ArrayLike | None = None,
    rgb_nm: Sequence[float] = (640.0, 550.0, 460.0),
    bands: Sequence[int] | None = None,
    good_bands: npt.ArrayLike | None = None,
) -> tuple[int, int, int]:
    """Which bands to show as red, green and blue.

    1. The good bands nearest to ``rgb_nm``, where wavelengths are known. A sensor that has not three different bands
       there (shortwave infrared only, say) is treated as if they were not.
    2. Else ``bands`` as given.
    3. Else the good bands at 3/4, 1/2 and 1/4 of the sensor's range.

    Args:
        count: Bands of the cube, C.
        wavelengths: Band centres in nm, (C,), NaN where unknown.
        rgb_nm: Wavelengths in nm to show as red, green and blue.
        bands: 0-based bands to show as red, green and blue.
        good_bands: False for bands that step 1 and 3 must not take, (C,) bool. Ignored if all are bad.

    Returns:
        0-based indices of red, green and blue.

    Raises:
        ConfigError: ``rgb_nm`` or ``bands`` are not three, or a band is not in the cube.
        DataError: ``wavelengths`` or ``good_bands`` are not one a band, or the cube has no bands.
    """
    if count < 1:
        raise DataError("false_colour: the cube has no bands")
    if len(rgb_nm) != 3:
        raise ConfigError(f"false_colour: rgb_nm needs three wavelengths in nm, not {tuple(rgb_nm)}")
    good = np.ones(count, dtype=bool) if good_bands is None else np.asarray(good_bands, dtype=bool)
    if good.shape != (count,):
        raise DataError(f"false_colour: good_bands has shape {good.shape}, the cube has {count} bands")
    if not good.any():
        good = np.ones(count, dtype=bool)

    if wavelengths is not None:
        centres = np.asarray(wavelengths, dtype=np.float64)
        if centres.shape != (count,):
            raise DataError(f"false_colour: wavelengths has shape {centres.shape}, the cube has {count} bands")
        candidates = np.flatnonzero(good & np.isfinite(centres))
        if candidates.size:
            red, green, blue = (int(candidates[np.abs(centres[candidates] - nm).argmin()]) for nm in rgb_nm)
            if len({red, green, blue}) == 3:
                return red, green, blue
    if bands is not None:
        if len(bands) != 3 or any(not 0 <= band < count for band in bands):
            raise ConfigError(f"false_colour: bands needs three of 0..{count - 1}, not {tuple(bands)}")
        return int(bands[0]), int(bands[1]), int(bands[2])
    candidates = np.flatnonzero(good)
    red, green, blue = (int(candidates[round(fraction * (candidates.size - 1))]) for fraction in FRACTIONS)
    return red, green, blue


def _stretch(
    channel: npt.NDArray[np.float64], shown: npt.NDArray[np.bool_], percentiles: tuple[float, float]
) -> npt.NDArray[np.uint8]:
    """One channel (H, W) to 0-255 between its percentiles over the ``shown`` pixels; the others become 0."""
    values = channel[shown]
    low, high = np.percentile(values, percentiles)
    scaled = 0.5 + 0.5 * np.sign(values - low)  # a constant band is mid-grey, its outliers black and white
    if high > low:
        scaled = np.clip((values - low) / (high - low), 0, 1)
    stretched = np.zeros(channel.shape, dtype=np.uint8)
    stretched[shown] = np.rint(255 * scaled).astype(np.uint8)
    return stretched


def false_colour(
    cube: npt.NDArray[np.number],
    wavelengths: npt.ArrayLike | None = None,
    rgb_nm: Sequence[float] = (640.0, 550.0, 460.0),
    bands: Sequence[int] | None = None,
    valid: npt.NDArray[np.bool_] | None = None,
    percentiles: tuple[float, float] = (2, 98),
    good_bands: npt.ArrayLike | None = None,
) -> npt.NDArray[np.uint8]:
    """Show three bands of a cube, each stretched between its percentiles.

    Only the three bands are read and converted to float. :func:`rgb_band_indices` says how they are chosen.

    Args:
        cube: Any numeric dtype, (H, W, C).
        wavelengths: Band centres in nm, (C,).
        rgb_nm: Wavelengths in nm to show as red, green and blue.
        bands: 0-based bands to show where wavelengths are unknown.
        valid: False where there are no data, (H, W) bool.
        percentiles: What becomes black and what becomes full colour, over valid pixels with finite values.
        good_bands: False for bands not to choose, (C,) bool.

    Returns:
        RGB picture, (H, W, 3) uint8. Pixels that are invalid or not finite in one of the three bands are black.

    Raises:
        ConfigError: ``rgb_nm``, ``bands`` or ``percentiles`` cannot work.
        DataError: The arrays' shapes do not fit together.
    """
    if cube.ndim != 3:
        raise DataError(f"false_colour: the cube has shape {cube.shape}, (H, W, C) was expected")
    if not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise ConfigError(f"false_colour: percentiles must rise within 0..100, not {percentiles}")
    height, width, count = cube.shape
    indices = rgb_band_indices(count, wavelengths, rgb_nm, bands, good_bands)
    channels = [cube[..., index].astype(np.float64) for index in indices]
    shown = np.logical_and.reduce([np.isfinite(channel) for channel in channels])
    if valid is not None:
        if valid.shape != (height, width):
            raise DataError(f"false_colour: valid has shape {valid.shape}, the cube is {height} x {width} pixels")
        shown &= valid.astype(bool)
    if not shown.any():
        return np.zeros((height, width, 3), dtype=np.uint8)
    return np.stack([_stretch(channel, shown, percentiles) for channel in channels], axis=-1)
