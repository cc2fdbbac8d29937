"""Wavelength units, and bands by their wavelength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.doubts import doubt

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
_RECIPROCALS = {  # what a wavelength in nm is, divided by the value
    **dict.fromkeys(("wavenumber", "wavenumbers", "cm-1", "cm^-1", "1/cm"), 1e7),
    "thz": 2.99792458e5,
    "ghz": 2.99792458e8,
    "mhz": 2.99792458e11,
}
_NOT_A_LENGTH = frozenset({*_RECIPROCALS, "index"})

SHORTEST_NM, LONGEST_NM = 100.0, 1e5
"""Between these lie the bands of optical sensors, thermal ones included."""

MICROMETRES_BELOW = 100.0
"""Wavelengths that all lie below this are µm: optical sensors end below 20 µm and begin above 100 nm."""


def check_nanometres(owner: str, name: str, wavelengths: Sequence[float] | NDArray) -> tuple[float, ...]:
    """Refuse wavelengths that are not positive, or that are given in µm: no optical sensor begins below 100 nm.

    Args:
        owner: Who was given them, for the message.
        name: The argument, for the message.
        wavelengths: In nm, in any order.

    Raises:
        ConfigError: If there are such, or none at all.
    """
    if isinstance(wavelengths, str) or not isinstance(wavelengths, Sequence | np.ndarray) or not len(wavelengths):
        raise ConfigError(f"{owner}: {name}={wavelengths!r} given, expected a list of wavelengths in nm")
    for nm in wavelengths:
        check_number(owner, name, nm)
        if nm <= 0:
            raise ConfigError(f"{owner}: {name} names {nm:g}, expected a wavelength in nm")
    if max(wavelengths) < MICROMETRES_BELOW:
        raise ConfigError(f"{owner}: {name} up to {max(wavelengths):g} looks like µm, expected nm; multiply by 1000")
    return tuple(float(nm) for nm in wavelengths)


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


def in_nanometres(
    wavelengths: NDArray[np.float64] | None, fwhm: NDArray[np.float64] | None, units: str | None, path: str
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Centres and widths of bands in nm; values that are not positive numbers count as not given, which is said.

    A unit that puts a centre below 100 nm or above 100 µm is wrong. Where only one unit is possible, that one is taken,
    with a warning. Widths follow the unit of the centres. Wavenumbers and frequencies become wavelengths; numbers of
    bands (``Index``) are none, which is said, as is a unit that is not known.

    Args:
        wavelengths: (C,) centres as the file gives them, or None.
        fwhm: (C,) full widths at half maximum as the file gives them, or None.
        units: The unit as the file names it, or None.
        path: The file, for the messages.

    Returns:
        Centres and widths, None for what is not given or no length.

    Raises:
        DataError: The file names a unit that cannot be, and no other or more than one can.
    """
    if wavelengths is not None and not _are_lengths(wavelengths):
        doubt(path, "wavelengths", "has wavelengths that are no positive numbers; read without them")
        wavelengths = None
    if not _are_lengths(fwhm):
        fwhm = None
    name = (units or "").strip().casefold()
    if name in _RECIPROCALS:
        return _from_reciprocals(wavelengths, fwhm, _RECIPROCALS[name], str(units), path)
    scale = nanometres_per_unit(units, wavelengths if wavelengths is not None else fwhm)
    given = wavelengths is not None or fwhm is not None
    if given and name not in _SCALES and name not in ("", "unknown"):
        taken = "none is read" if scale is None else "taken as nm" if scale == 1 else "taken as \u03bcm"
        doubt(path, "units", f"wavelengths in {str(units).strip()[:40]!r}, which is no unit of length; {taken}")
    if scale is not None and wavelengths is not None and not _plausible(wavelengths * scale):
        scale = _other_scale(wavelengths, scale, units, path)
    if scale is None:
        return None, None
    return (None if wavelengths is None else wavelengths * scale), (None if fwhm is None else fwhm * scale)


def _from_reciprocals(
    values: NDArray[np.float64] | None, widths: NDArray[np.float64] | None, product: float, units: str, path: str
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Wavelengths of wavenumbers or frequencies; the width of a narrow band shrinks as their derivative does."""
    if values is None:
        return None, None
    nm = product / values
    if not _plausible(nm):
        said = f"wavelengths {values.min():g} to {values.max():g} {units.strip()} are none of an optical sensor"
        doubt(path, "units", f"{said}; read without wavelengths")
        return None, None
    return nm, None if widths is None else widths * nm / values


def _are_lengths(values: NDArray[np.float64] | None) -> bool:
    """Whether values are given and no place holders such as 0 or NaN."""
    return values is not None and bool(np.isfinite(values).all() and (values > 0).all())


def _plausible(nm: NDArray[np.float64]) -> bool:
    """Whether wavelengths are those of an optical sensor, 100 nm to 100 µm."""
    return bool((nm >= SHORTEST_NM).all() and (nm <= LONGEST_NM).all())


def _other_scale(wavelengths: NDArray[np.float64], scale: float, units: str | None, path: str) -> float | None:
    """The only unit that can be meant where that of a file cannot; None where a file names none and none can be."""
    said = f"wavelengths {wavelengths.min():g} to {wavelengths.max():g}"
    with np.errstate(over="ignore"):
        possible = [other for other in _NANOMETRES_PER_UNIT if _plausible(wavelengths * other)]
    if len(possible) == 1:
        nm = wavelengths * possible[0]
        unit = _NANOMETRES_PER_UNIT[possible[0]][0]
        doubt(path, "units", f"{said} {units or ''} cannot be; taken as {unit}, {nm.min():g} to {nm.max():g} nm")
        return possible[0]
    if units is None or not units.strip() or units.strip().casefold() not in _SCALES:
        doubt(path, "units", f"{said} without a unit are none of an optical sensor; read without wavelengths")
        return None
    which = " or ".join(_NANOMETRES_PER_UNIT[other][0] for other in possible) or "no unit"
    raise DataError(
        f"{path}: {said} {units.strip()} would be {wavelengths.min() * scale:g} to {wavelengths.max() * scale:g} nm; "
        f"expected 100 nm to 100 \u03bcm ({which} would be possible); correct 'wavelength units'"
    )


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
