"""Wavelength units, and bands by their wavelength."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmhsi.errors import DataError

_NANOMETRES_PER_UNIT = {
    1.0: ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
    # Two letters look like µ: the micro sign U+00B5 and the Greek mu U+03BC; casefold() turns the one into the other.
    1e3: ("um", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
    1e6: ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    1e7: ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    1e9: ("m", "meter", "meters", "metre", "metres"),
    0.1: ("a", "\u00e5", "angstrom", "angstroms"),
}
_SCALES = {unit: scale for scale, units in _NANOMETRES_PER_UNIT.items() for unit in units}
_NOT_A_LENGTH = frozenset({"wavenumber", "wavenumbers", "cm-1", "cm^-1", "1/cm", "ghz", "mhz", "index"})

MICROMETRES_BELOW = 100.0
"""Wavelengths that all lie below this are µm: optical sensors end below 20 µm and begin above 100 nm."""


def nanometres_per_unit(units: str | None, wavelengths: NDArray[np.float64] | None) -> float | None:
    """What a wavelength has to be multiplied with to be in nm.

    Args:
        units: The unit as a file names it, in any case; ENVI's names, their abbreviations, or None.
        wavelengths: The values, shape (C,), or None. Where the unit is missing or not known, values below 100 are
            taken for µm and others for nm.

    Returns:
        The factor, or None if the unit is not a length (wavenumber, frequency, index), or if it is not known and
        there are no values to guess from.
    """
    name = "" if units is None else units.strip().casefold()
    if name in _NOT_A_LENGTH:
        return None
    if name in _SCALES:
        return _SCALES[name]
    if wavelengths is None or wavelengths.size == 0:
        return None
    return 1e3 if float(np.max(wavelengths)) < MICROMETRES_BELOW else 1.0


def nearest_band(wavelengths: NDArray[np.float64], nm: float) -> int:
    """The band whose centre is nearest to a wavelength.

    Args:
        wavelengths: (C,) centres in nm, in any order.
        nm: The wavelength in nm.

    Returns:
        The 0-based band; the first of several that are equally near.

    Raises:
        DataError: There are no wavelengths, or one is not a finite number, or `nm` is not.
    """
    centres = np.asarray(wavelengths, dtype=np.float64)
    if centres.ndim != 1 or centres.size == 0 or not np.isfinite(centres).all():
        raise DataError(f"nearest_band: wavelengths must be finite values of shape (C,), got shape {centres.shape}")
    if not np.isfinite(nm):
        raise DataError(f"nearest_band: {nm} is not a wavelength in nm")
    return int(np.argmin(np.abs(centres - nm)))
