"""Which of GDAL's drivers opens a file, told by its first bytes.

GDAL has over a hundred drivers, and many of them follow what a file's content names: servers, other files, pipes. Here
a file is given to the one driver whose format it has, or to none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"II*\0", "GTiff"),
    (b"MM\0*", "GTiff"),
    (b"II+\0", "GTiff"),  # BigTIFF
    (b"MM\0+", "GTiff"),
    (b"EHFA_HEADER_TAG", "HFA"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
    (b"PCIDSK  ", "PCIDSK"),
)
_VRT = b"<VRTDataset"
_TEXT = re.compile(rb"\s*[<{](?:[\t\n\r\x20-\x7e\x80-\xff]{7}|[\t\n\r\x20-\x7e\x80-\xff]*\Z)")
"""How a text begins that one of GDAL's drivers may know: its shortest mark has nine characters, ``<GDAL_WMS``."""
_START = 1024
"""Bytes in which GDAL looks for a virtual raster's first element."""

DRIVERS = ("GTiff", "ENVI", "EHdr", "HFA", "PCIDSK", "PNG", "JPEG", "JP2OpenJPEG", "VRT")
"""What :func:`driver_of` gives."""


def driver_of(file: Path) -> str | None:
    """The driver for a file.

    Args:
        file: Exists and is a regular file.

    Returns:
        One of :data:`DRIVERS`; ENVI or ESRI's EHdr where a header lies beside the file; None where no format is known.
    """
    with file.open("rb") as data:
        start = data.read(_START)
    for signature, driver in _SIGNATURES:
        if start.startswith(signature):
            return driver
    if _VRT in start:
        return "VRT"
    header = header_of(file)
    if header is None:
        return None
    with header.open("rb") as text:
        return "ENVI" if text.read(4) == b"ENVI" else "EHdr"


def others_may_take(file: Path) -> bool:
    """Whether a file without a signature looks like text or a data base, which drivers of the network take for theirs.

    Nor may it begin like one if GDAL is to choose the driver by itself. Of raw data the first byte may happen to be
    that of ``<`` or ``{``; the marks by which those drivers know their text are longer, and no zeros or control
    characters are in them.

    Args:
        file: Exists and is a regular file.
    """
    with file.open("rb") as data:
        start = data.read(_START)
    return _TEXT.match(start) is not None or start.startswith(b"SQLite format 3")


def header_of(file: Path) -> Path | None:
    """The header of a raw data file as GDAL finds it: ``scene.hdr`` or ``scene.img.hdr``, or None.

    Args:
        file: The data file.
    """
    for suffix in (".hdr", ".HDR"):
        for header in (file.with_suffix(suffix), file.with_name(file.name + suffix)):
            if header != file and header.is_file():
                return header
    return None
