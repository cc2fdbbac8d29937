"""What a variable of a MATLAB 5 file really takes, before scipy unpacks it.

scipy believes the length of the packed data: a file of one megabyte that declares a small cube can unpack to four
gigabytes. Format: MathWorks, MAT-File Format (R2024b), "Level 5 MAT-File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.memory import require_memory

_FILE_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX = 0x800
_ENOUGH = 4096
"""Bytes of a variable within which its data begin; names have at most 63 characters."""
_LARGEST_ITEM = 8


@dataclass(frozen=True)
class _Header:
    """A numeric variable: name, shape, whether it is complex, and the bytes of its (real) data."""

    name: str
    shape: tuple[int, ...]
    is_complex: bool
    data_bytes: int


def check_variable(path: str, name: str) -> None:
    """Check that a variable holds no more than its shape says, that it is real, and that memory lasts for it.

    Args:
        path: A .mat file up to version 7; of version 4, which is never packed, nothing is checked.
        name: The variable.

    Raises:
        FileFormatError: It declares more data than its shape has.
        DataError: It is complex, or memory does not last.
    """
    with open(path, "rb") as file:
        start = file.read(_FILE_HEADER)
        if len(start) < _FILE_HEADER or 0 in start[:4]:
            return
        order = "<" if start[126:128] == b"IM" else ">"
        for header in _headers(file, order):
            if header.name != name:
                continue
            if header.is_complex:
                raise DataError(
                    f"{path}: {name}: values of type complex128 are not supported; expected real numbers (integer or "
                    "float)"
                )
            if header.data_bytes > _LARGEST_ITEM * math.prod(header.shape):
                size = "x".join(map(str, header.shape))
                raise FileFormatError(
                    f"{path}: variable {name!r} of {size} values declares {header.data_bytes} bytes of them; the file "
                    "is damaged"
                )
            require_memory(2 * header.data_bytes, path, f"variable {name!r}")


def _headers(file: BinaryIO, order: str) -> Iterator[_Header]:
    """The numeric variables from here to the end of the file, as far as it can be followed."""
    while len(tag := file.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        begin = file.tell()
        content = tag + file.read(_ENOUGH)
        try:
            if kind == _COMPRESSED:
                content = zlib.decompressobj().decompress(content[8:], _ENOUGH)
            header = _parse(content, order)
        except (struct.error, zlib.error, UnicodeDecodeError):
            header = None  # scipy says what is wrong
        if header is not None:
            yield header
        file.seek(begin + size)


def _parse(content: bytes, order: str) -> _Header | None:
    """Read array flags, shape, name and the tag of the data; None for text, cells and other classes."""
    if struct.unpack_from(f"{order}I", content)[0] != _MATRIX:
        return None
    flags = struct.unpack_from(f"{order}I", content, 16)[0]
    if flags & 0xFF not in _NUMERIC_CLASSES:
        return None
    parts = []
    place = 24
    for _ in ("shape", "name"):
        size, begin, place = _tag(content, place, order)
        parts.append(content[begin : begin + size])
    shape = struct.unpack(f"{order}{len(parts[0]) // 4}i", parts[0])
    return _Header(parts[1].decode("latin1"), shape, bool(flags & _COMPLEX), _tag(content, place, order)[0])


def _tag(content: bytes, place: int, order: str) -> tuple[int, int, int]:
    """Bytes of the element at a place, where they begin, and where the next element does."""
    kind, size = struct.unpack_from(f"{order}II", content, place)
    if kind >> 16:  # up to four bytes in the tag itself, its length in the upper half of the first word
        return kind >> 16, place + 4, place + 8
    return size, place + 8, place + 8 + size + -size % 8
