"""ENVI: the data file that belongs to a header, and whether it is complete."""

from __future__ import annotations

import gzip
import math
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.doubts import doubt
from mmhsi.io.readers.raster_metadata import listed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".hyspex")
_INTERLEAVES = ("bsq", "bil", "bip")
_TYPES = {
    1: "uint8",
    2: "int16",
    3: "int32",
    4: "float32",
    5: "float64",
    6: "complex64",
    9: "complex128",
    12: "uint16",
    13: "uint32",
    14: "int64",
    15: "uint64",
}
"""By the number that stands for each in a header."""


def data_file_of(header: Path) -> Path:
    """Find the data file of a header ``scene.hdr``: ``scene``, ``scene.img``, ``scene.dat`` and so on.

    Args:
        header: The .hdr file.

    Returns:
        The first candidate that exists, in lower or upper case.

    Raises:
        FileFormatError: None exists.
    """
    for suffix in _DATA_SUFFIXES:
        for spelling in (suffix, suffix.upper()):
            candidate = header.with_suffix(spelling)
            if candidate.is_file():
                return candidate
    stem = header.with_suffix("").name
    tried = ", ".join(stem + suffix for suffix in _DATA_SUFFIXES)
    raise FileFormatError(f"{header}: no data file beside this ENVI header; expected one of {tried}")


def check_header(header: Mapping[str, str], file: Path, path: str) -> None:
    """Check that an ENVI header says all that is needed, and that its data file is as long as it says.

    GDAL takes ``1.5`` samples for 1, guesses what is missing, and reads what lies beyond the end of a raw file as
    zeros, without a word; of a file of which little is left it says that it cannot open it.

    Args:
        header: The header (:func:`mmhsi.io.readers.envi_header.read_envi_header`).
        file: The data file.
        path: What was named, for the message.

    Raises:
        FileFormatError: A key is missing or wrong, or bytes are.
    """
    sizes = []
    for name in ("lines", "samples", "bands"):
        size = _whole(header.get(name))
        if not size:
            said = f"says {name} = {header[name]}" if name in header else f"is cut or lacks {name!r}"
            raise FileFormatError(f"{path}: the ENVI header {said}; expected a whole number of pixels or bands")
        sizes.append(size)
    if (kind := _whole(header.get("data_type"))) is None:
        raise FileFormatError(f"{path}: the ENVI header is cut or lacks 'data type'")
    if kind not in _TYPES:
        raise FileFormatError(f"{path}: the ENVI header says data type = {kind}; expected one of {[*_TYPES]}")
    if header.get("interleave", "").lower() not in _INTERLEAVES:
        raise FileFormatError(
            f"{path}: the ENVI header says interleave = {header.get('interleave')}; expected bsq, bil or bip"
        )
    for name in ("major_frame_offsets", "minor_frame_offsets"):
        if any(word.strip("0.") for word in listed(header.get(name, ""))):
            raise FileFormatError(
                f"{path}: the ENVI header says {name.replace('_', ' ')} = {header[name][:80]}, not read"
            )
    ignored = header.get("data_ignore_value")
    if ignored is not None and not _is_number(ignored):  # GDAL would take a list, or a word, for 0
        raise FileFormatError(f"{path}: the ENVI header says data ignore value = {ignored}; expected one number")
    offset = _whole(header.get("header_offset", "0"))
    if offset is None:
        raise FileFormatError(f"{path}: the ENVI header says header offset = {header['header_offset']}")
    height, width, bands = sizes
    needed = offset + height * width * bands * np.dtype(_TYPES[kind]).itemsize
    packed = header.get("file_compression", "0") != "0"
    actual = _unpacked_size(file, needed) if packed else file.stat().st_size
    if actual < needed:
        raise FileFormatError(
            f"{path}: the data file has {actual} bytes, its header needs {needed} ({height} x {width} pixels, {bands} "
            f"bands of {_TYPES[kind]}); the file is truncated or the header wrong"
        )


def envi_scaling(header: Mapping[str, str], path: str, bands: int) -> tuple[list[float], list[float], bool] | None:
    """Factor and offset of each band, as the header says them; GDAL would take a word in their lists for 0.

    Args:
        header: The header.
        path: The file, for the messages.
        bands: How many it has.

    Returns:
        Gain and offset values or, where there are none, what makes reflectance from 0 to 1 of the values, and whether
        it does; None where the header says nothing.

    Raises:
        DataError: A list has not one number a band, or the reflectance scale factor is no positive number.
    """
    for name in ("data_reflectance_gain_values", "data_reflectance_offset_values"):
        if name in header:
            doubt(path, "reflectance gains", f"has {name.replace('_', ' ')!r}, which are not applied")
    gains, offsets = (_one_a_band(header, f"data_{kind}_values", path, bands) for kind in ("gain", "offset"))
    factor = header.get("reflectance_scale_factor")
    if gains is None and offsets is None:
        if factor is None:
            return None
        if not (_is_number(factor) and 0 < float(factor) < math.inf):
            raise DataError(
                f"{path}: the ENVI header says reflectance scale factor = {factor}; expected a positive number"
            )
        return [1 / float(factor)] * bands, [0.0] * bands, True
    if factor is not None:
        doubt(path, "gains", "has gain or offset values and a reflectance scale factor; only the former are applied")
    return gains or [1.0] * bands, offsets or [0.0] * bands, False


def _one_a_band(header: Mapping[str, str], name: str, path: str, bands: int) -> list[float] | None:
    """A list of numbers of a header, or None where it has none."""
    if name not in header:
        return None
    values = listed(header[name])
    if len(values) != bands or not all(map(_is_number, values)):
        said = f"{name.replace('_', ' ')} = {header[name][:80]}"
        raise DataError(f"{path}: the ENVI header says {said}; expected a number for each of {bands} bands")
    return [float(value) for value in values]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(text: str | None) -> int | None:
    """A whole number of at least 0, or None."""
    return int(text) if text is not None and text.isdecimal() else None


def _unpacked_size(file: Path, enough: int) -> int:
    """Bytes that a gzip file holds, counted no further than `enough`."""
    size = 0
    with gzip.open(file) as data, suppress(EOFError):
        while size < enough and (block := data.read(1 << 20)):
            size += len(block)
    return size
