"""Nominal band centres of scenes whose files and publishers give none: evenly spread over the sensor's published range.

They say where along the spectrum a band lies to within a band's width or two, which is what networks that take any
bands need. They are used where a config asks for them by name, and nowhere else.
"""

from __future__ import annotations

import numpy as np

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError

_ABU_BANDS = {
    "abu-airport-2": 205,
    "abu-airport-3": 205,
    "abu-beach-2": 193,
    "abu-urban-1": 204,
    "abu-urban-2": 207,
    "abu-urban-4": 205,
    "abu-urban-5": 205,
}


def _spread(first: float, last: float, bands: int, removed: tuple[range, ...] = ()) -> tuple[float, ...]:
    gone = {band for some in removed for band in some}
    return tuple(round(float(nm), 2) for band, nm in enumerate(np.linspace(first, last, bands)) if band not in gone)


# Salinas: AVIRIS' 224 channels from 366 to 2496 nm, less 108 to 112, 154 to 167 and 224 (from 1).
_SALINAS = _spread(366, 2496, 224, (range(107, 112), range(153, 167), range(223, 224)))

NOMINAL: dict[str, tuple[float, ...]] = {
    "salinas": _SALINAS,
    "salinas_a": _SALINAS,
    "houston2018_crop": _spread(380, 1050, 48),  # CASI-1500 as the contest's page gives its range
    # Which of AVIRIS' channels were taken away is not published: spread over all that are left.
    **{name: _spread(400, 2500, bands) for name, bands in _ABU_BANDS.items()},
}
"""In nm, by the catalogue's name, of the corpus Airport-Beach-Urban by its scenes'."""


def nominal_centres(name: str) -> tuple[float, ...]:
    """Nominal centres of a scene's bands in nm.

    Args:
        name: One of :data:`NOMINAL`.

    Raises:
        ConfigError: If there are none of this name.
    """
    if name not in NOMINAL:
        raise ConfigError(
            f"wavelengths={name!r}: no nominal band centres of this name{nearest(name, NOMINAL)}; give the centres in "
            "nm as a list"
        )
    return NOMINAL[name]
