"""ENVI: the data file that belongs to a header, and whether it is complete."""

from __future__ import annotations

import gzip
import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import rasterio

_DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".hyspex")
_INTERLEAVES = ("bsq", "bil", "bip")


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


def check_header(dataset: rasterio.DatasetReader, header: Mapping[str, str], path: str) -> None:
    """Check that an ENVI header says all that is needed, and that its data file is as long as it says.

    GDAL takes ``1.5`` samples for 1, guesses what is missing, and reads what lies beyond the end of a raw file as
    zeros, without a word.

    Args:
        dataset: An open ENVI dataset.
        header: Its header (:func:`mmhsi.io.readers.envi_header.read_envi_header`).
        path: The file, for the message.

    Raises:
        FileFormatError: A key is missing or wrong, or bytes are.
    """
    expected = dict(samples=dataset.width, lines=dataset.height, bands=dataset.count)
    for name, value in expected.items():
        if _whole(header.get(name)) != value:
            raise FileFormatError(
                f"{path}: the ENVI header says {name} = {header.get(name)}; expected a whole number of pixels or bands"
            )
    if _whole(header.get("data_type")) is None:
        raise FileFormatError(f"{path}: the ENVI header is cut or lacks 'data type'")
    if header.get("interleave", "").lower() not in _INTERLEAVES:
        raise FileFormatError(
            f"{path}: the ENVI header says interleave = {header.get('interleave')}; expected bsq, bil or bip"
        )
    ignored = header.get("data_ignore_value")
    if ignored is not None and not _is_number(ignored):  # GDAL would take a list, or a word, for 0
        raise FileFormatError(f"{path}: the ENVI header says data ignore value = {ignored}; expected one number")
    offset = _whole(header.get("header_offset", "0"))
    if offset is None:
        raise FileFormatError(f"{path}: the ENVI header says header offset = {header['header_offset']}")
    values = dataset.height * dataset.width * dataset.count
    needed = offset + values * np.dtype(dataset.dtypes[0]).itemsize
    file = Path(dataset.files[0])
    packed = header.get("file_compression", "0") != "0"
    actual = _unpacked_size(file, needed) if packed else file.stat().st_size
    if actual < needed:
        raise FileFormatError(
            f"{path}: the data file has {actual} bytes, its header needs {needed} ({dataset.height} x {dataset.width} "
            f"pixels, {dataset.count} bands of {dataset.dtypes[0]}); the file is truncated or the header wrong"
        )


def reflectance_scale(header: Mapping[str, str], path: str) -> float:
    """What stored values are multiplied with to be reflectance from 0 to 1; 1 where the header has no such factor.

    Args:
        header: The header.
        path: The file, for the message.

    Raises:
        DataError: The factor is no positive number.
    """
    text = header.get("reflectance_scale_factor")
    if text is None:
        return 1.0
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise DataError(f"{path}: the ENVI header says reflectance scale factor = {text}; expected a positive number")
    return 1 / factor


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
