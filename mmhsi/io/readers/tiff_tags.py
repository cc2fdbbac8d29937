"""What a TIFF says in its own tags, of which GDAL gives what it makes of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_GDAL_NODATA = 42113
_LONGEST = 256


def gdal_nodata(file: Path, page: int = 1) -> str | None:
    """The text of the tag in which GDAL keeps the value of missing data.

    Args:
        file: A TIFF that GDAL has opened.
        page: Of several pages the one that is meant, from 1.

    Returns:
        The text; None where the page has no such tag or the tags are not where they should be, which GDAL notices.
    """
    with file.open("rb") as content:
        start = content.read(16)
        order = "<" if start[:2] == b"II" else ">"
        big = start[2:4] in (b"+\0", b"\0+")
        count, place, size = ("Q", "Q", 20) if big else ("H", "I", 12)

        def number(code: str, at: int) -> int:
            content.seek(at)
            return int(struct.unpack(order + code, content.read(struct.calcsize(code)))[0])

        try:
            directory = number(place, 8 if big else 4)
            first = struct.calcsize(count)
            for _ in range(page - 1):
                directory = number(place, directory + first + size * number(count, directory))
            total = min(number(count, directory), 1 << 12)
            content.seek(directory + first)
            entries = content.read(size * total)
            for at in range(0, len(entries) - size + 1, size):
                tag, _, length = struct.unpack_from(f"{order}HH{place}", entries, at)
                if tag != _GDAL_NODATA:
                    continue
                inline = struct.calcsize(place)
                where = entries[at + size - inline : at + size]
                if length > inline:
                    content.seek(int(struct.unpack(order + place, where)[0]))
                    where = content.read(min(length, _LONGEST))
                return where[:length].split(b"\0")[0].decode("latin-1")
        except (struct.error, OSError, OverflowError, ValueError):
            return None
    return None
