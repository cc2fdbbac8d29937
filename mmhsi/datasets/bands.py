"""Which of a file's bands are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.io.wavelengths import check_nanometres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmhsi.io import CubeInfo


def choose_bands(info: CubeInfo, bad_bands: Sequence[int] | None) -> list[int]:
    """Indices of the bands to read.

    Args:
        info: What the file says about itself.
        bad_bands: 0-based bands to leave out beside those that the file flags, or None.

    Returns:
        0-based indices, increasing.

    Raises:
        ConfigError: If an index does not exist or nothing is left.
    """
    keep = info.good_bands.copy()
    for band in bad_bands or ():
        if not 0 <= band < len(keep):
            raise ConfigError(f"bad_bands names band {band}, {info.name} has bands 0 to {len(keep) - 1}")
        keep[band] = False
    if not keep.any():
        raise ConfigError(f"{info.name}: no band is left; all {len(keep)} are flagged bad or named in bad_bands")
    return [int(band) for band in np.flatnonzero(keep)]


def band_centres(declared: Sequence[float] | None, info: CubeInfo) -> NDArray[np.float64] | None:
    """Wavelengths of all bands of a file.

    Args:
        declared: Centres in nm that replace what the file says, or None.
        info: What the file says about itself.

    Returns:
        (C,) nm, or None where they are unknown.

    Raises:
        ConfigError: If another number of them is declared than the file has bands, or they are not in nm.
    """
    if declared is None:
        return info.wavelengths
    if len(declared) != info.shape[2]:
        raise ConfigError(f"wavelengths has {len(declared)} values, {info.name} has {info.shape[2]} bands")
    return np.asarray(check_nanometres("scene", "wavelengths", declared), dtype=np.float64)


def nanometres(wavelengths: NDArray[np.float64] | None) -> tuple[float, ...] | None:
    """Band centres as plain numbers, for :class:`mmhsi.spec.InputSpec`.

    Args:
        wavelengths: (C,) nm, or None.
    """
    return None if wavelengths is None else tuple(float(nm) for nm in wavelengths)
