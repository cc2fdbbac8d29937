"""How a lab camera's file was exposed: integration time, gain, and which columns of the sensor it holds.

Most cameras say it in the ENVI header. HySpex says it in a header of its own before the first line, whose length is
ENVI's ``header offset``, together with the dark reference (layout: Norsk Elektro Optikk's reader of such headers).
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.readers.drivers import header_of
from mmhsi.io.readers.envi import data_file_of
from mmhsi.io.readers.envi_header import read_envi_header
from mmhsi.io.readers.raster_metadata import listed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_TIMES = ("tint", "integration_time", "shutter", "exposure", "exposure_time")
"""Names that headers have for the integration time, in a unit that is the same in all files of a camera."""
_DESCRIBED = re.compile(r"integration\s*time\s*=\s*([0-9.]+)", re.IGNORECASE)
_COLUMNS = ("hroi", "himg")
"""Names of Specim's (first, last) column, from 1."""

# Of HySpex's header: word, then, at these bytes, unsigned integers of 32 bits.
_WORD = b"HYSPEX"
_BANDS, _WIDTH, _TIME, _PRESENT, _CALIBRATED = 1961, 1965, 1977, 2009, 2101
_VECTORS = 2181
"""Where its tables begin: wavelengths and efficiency of the bands, response and dark reference (bands, columns)."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """What a file says of its exposure; None where it says nothing.

    Attributes:
        time: Integration time of each band (C,).
        gain: Factor by which the camera multiplied what it saw.
        gain_text: The header's own words for it, where its unit is not known.
        column: The sensor's column that is the file's first, 0-based.
        dark: Dark reference (W, C) that the file carries itself.
    """

    time: NDArray[np.float64] | None = None
    gain: float | None = None
    gain_text: str | None = None
    column: int | None = None
    dark: NDArray[np.float64] | None = None

    def sensitivity(self) -> NDArray[np.float64] | None:
        """What counts of a light are proportional to, (C,); None where no time is known."""
        return None if self.time is None else self.time * (1.0 if self.gain is None else self.gain)


def exposure_of(file: Path, width: int, bands: int) -> Exposure:
    """The exposure of a file.

    Args:
        file: The data file, or its header.
        width: Its columns.
        bands: Its bands.
    """
    header = file if file.suffix.lower() == ".hdr" else header_of(file)
    if header is None:
        return Exposure()
    fields = read_envi_header(header)
    hyspex_time, dark = _hyspex(data_file_of(file) if file == header else file, fields, width, bands)
    time = _time(fields, bands)
    if time is None and hyspex_time is not None:
        time = np.full(bands, hyspex_time)
    gain_text = fields.get("gain")
    gain = None
    if gain_text is not None and "shutter" in fields:  # Resonon's pair of fields: decibels of amplitude
        with suppress(ValueError, OverflowError):
            factor = 10 ** (float(gain_text) / 20)
            if 0 < factor < np.inf:
                gain, gain_text = factor, None
    return Exposure(time, gain, gain_text, _first_column(fields, width), dark)


def _time(fields: Mapping[str, str], bands: int) -> NDArray[np.float64] | None:
    """Integration time of each band (C,); None where the header says none.

    Cameras of two detectors say ``tint1`` and ``tint2``, and with ``vimg1`` which bands the first of them has.
    """
    with suppress(ValueError, KeyError, IndexError):
        first, second = float(fields["tint1"]), float(fields["tint2"])
        count = int(listed(fields["vimg1"])[1])
        if 0 < first < np.inf and 0 < second < np.inf and 0 < count < bands:
            return np.repeat([first, second], [count, bands - count])
    described = _DESCRIBED.search(fields.get("description", ""))
    for text in (*(fields.get(name, "") for name in _TIMES), described.group(1) if described else ""):
        with suppress(ValueError, IndexError):
            time = float(text.split()[0])
            if 0 < time < np.inf:
                return np.full(bands, time)
    return None


def _first_column(fields: Mapping[str, str], width: int) -> int | None:
    """The sensor's column that is the first here, where the header's range has as many columns as the file."""
    for name in _COLUMNS:
        with suppress(ValueError, KeyError):
            first, last = (int(word) for word in listed(fields[name]))
            if first >= 1 and last - first + 1 == width:
                return first - 1
    return None


def _hyspex(
    file: Path, fields: Mapping[str, str], width: int, bands: int
) -> tuple[float | None, NDArray[np.float64] | None]:
    """Integration time in microseconds and dark reference (W, C) of HySpex's own header, where there is one."""
    offset = fields.get("header_offset", "0")
    tables = 16 * bands * (1 + width)  # wavelengths, efficiency, response, dark reference: 64 bits a number
    if not offset.isdecimal() or int(offset) < _VECTORS + tables:
        return None, None
    with file.open("rb") as content:
        start = content.read(_VECTORS + tables)
    if not start.startswith(_WORD) or len(start) < _VECTORS + tables:
        return None, None

    def number(place: int) -> int:
        return int(struct.unpack_from("<I", start, place)[0])

    if (number(_BANDS), number(_WIDTH)) != (bands, width):
        return None, None
    dark = None
    if number(_PRESENT) and not number(_CALIBRATED):  # of calibrated values the dark reference is subtracted already
        place = _VECTORS + 8 * bands * (2 + width)
        dark = np.frombuffer(start, "<f8", bands * width, place).reshape(bands, width).T
    return number(_TIME) or None, dark
