"""Lists of one value a band that lie beside a cube as variables of its file: wavelengths, widths, good bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmhsi.io.doubts import doubt
from mmhsi.io.wavelengths import in_nanometres

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mmhsi.io.readers.variables import Variable

CENTRES = (
    "wavelength",
    "wavelengths",
    "wl",
    "wavelength_nm",
    "center_wavelength",
    "center_wavelengths",
    "band_centers",
)
"""Names of the centres, in any case."""
WIDTHS = ("fwhm", "full_width_half_max")
"""Names of the full widths at half maximum."""
GOOD = ("good_wavelengths", "bbl", "good_bands", "good_wavelength")
"""Names of the list that is 0 where a band is bad."""


class BandLists(NamedTuple):
    """What a file's lists say.

    Attributes:
        wavelengths: (C,) nm, or None.
        fwhm: (C,) nm, or None.
        good_bands: (C,) bool.
    """

    wavelengths: NDArray[np.float64] | None
    fwhm: NDArray[np.float64] | None
    good_bands: NDArray[np.bool_]


def read_band_lists(path: str, variables: Sequence[Variable], bands: int, read: Callable[[str], NDArray]) -> BandLists:
    """Find and read the lists of a MATLAB file; those of another length are none.

    Args:
        path: The file, for messages.
        variables: What it holds.
        bands: C.
        read: Gives a variable's values by its name.

    Raises:
        DataError: The wavelengths can be of no optical sensor, or a list is damaged.
    """

    def values(names: tuple[str, ...]) -> NDArray[np.float64] | None:
        alone = sorted((1, bands))
        fitting = [item for item in variables if item.numeric and item.name.lower() in names]
        fitting = [item for item in fitting if sorted(item.shape) == alone]
        if len(fitting) > 1:
            doubt(path, names[0], f"holds {', '.join(map(str, fitting))}, which may all be meant; none is read")
        return read(fitting[0].name).astype(np.float64).ravel() if len(fitting) == 1 else None

    wavelengths, fwhm = in_nanometres(values(CENTRES), values(WIDTHS), None, path)
    flags = values(GOOD)
    if flags is not None and not np.isin(flags, (0, 1)).all():
        doubt(path, "bad bands", f"its list of good bands ({GOOD[1]}) has other values than 0 and 1; not read")
        flags = None
    return BandLists(wavelengths, fwhm, np.broadcast_to(np.True_, bands) if flags is None else flags != 0)
