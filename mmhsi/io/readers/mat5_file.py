"""MATLAB 5 files, whose every length is checked before it is believed.

scipy's reader trusts the file: one changed byte of a data type ends the process, and packed data unpack to whatever
size they have. Format: MathWorks, MAT-File Format (R2024b), "Level 5 MAT-File Format". Only arrays of real numbers are
read; other variables are listed.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.memory import require_memory
from mmhsi.io.readers.variables import Variable
from mmhsi.progress import watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_FILE_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = (
    *("?", "cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8"),
    *("int16", "uint16", "int32", "uint32", "int64", "uint64", "function", "opaque"),
)
_NUMERIC = range(6, 16)
_LOGICAL, _COMPLEX = 0x200, 0x800
_ENOUGH = 4096
"""Bytes of a variable within which its data begin; names have at most 63 characters."""
_MOST_AXES = 32
_PIECE = 1 << 16
_SLAB = 32 << 20
"""Bytes that are unpacked at a time where not all are held."""
_PADDING = 64
"""Bytes that may follow the data inside a variable."""


@dataclass(frozen=True)
class Mat5Variable:
    """A variable and where it lies.

    Attributes:
        listed: Name, shape and class.
        is_complex: Whether it has a second part.
        packed: Whether it is compressed.
        begin: Where its element's content begins in the file.
        size: Bytes of that content.
        data: Where the tag of its data begins in the (unpacked) content, or None if it has no plain data.
    """

    listed: Variable
    is_complex: bool
    packed: bool
    begin: int
    size: int
    data: int | None


@dataclass(frozen=True)
class _Data:
    """Values of a variable: their shape and stored type, their bytes, and what takes the next of them, or raises."""

    shape: tuple[int, ...]
    dtype: np.dtype
    size: int
    take: Callable[[int], bytearray]


class Mat5File:
    """The variables of a file.

    Args:
        path: A .mat file of version 5 to 7.

    Raises:
        FileFormatError: It is damaged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with Path(path).open("rb") as file:
            start = file.read(_FILE_HEADER)
            mark = start[126:128]
            if len(start) < _FILE_HEADER or mark not in (b"IM", b"MI"):
                raise self._damaged("its header is no MATLAB header")
            self.order = "<" if mark == b"IM" else ">"
            version = struct.unpack(f"{self.order}H", start[124:126])[0] >> 8
            if version != 1:
                raise FileFormatError(f"{path}: not a readable .mat file: MATLAB's version {version} is not known")
            self.variables = [variable for variable in self._elements(file) if variable.listed.name]

    def read(self, name: str) -> NDArray:
        """Read a numeric variable.

        Args:
            name: Which; the last of that name counts, as in MATLAB.

        Returns:
            The values in the stored type, in MATLAB's shape.

        Raises:
            FileFormatError: The variable is damaged.
            DataError: It is complex, or memory does not last.
        """
        with self._data(name) as data:
            require_memory(2 * data.size, self.path, f"variable {name!r}")
            values = data.take(data.size)
        return np.frombuffer(values, data.dtype).reshape(data.shape, order="F")

    def bytes_of(self, name: str) -> int:
        """Bytes of a numeric variable's values.

        Args:
            name: As for :meth:`read`.

        Raises:
            FileFormatError: As for :meth:`read`.
            DataError: It is complex.
        """
        with self._data(name, to_the_end=False) as data:
            return data.size

    def unpack(self, name: str, target: Path) -> None:
        """Write a numeric variable as a .npy file whose first axis is the variable's last, in bounded memory.

        Args:
            name: As for :meth:`read`.
            target: The file.

        Raises:
            FileFormatError: As for :meth:`read`.
            DataError: It is complex.
        """
        with self._data(name) as data, target.open("wb") as out:
            *sides, last = data.shape
            native = data.dtype.newbyteorder("=")
            header = dict(descr=native.str, fortran_order=False, shape=(last, *sides))
            np.lib.format.write_array_header_1_0(out, header)
            one = math.prod(sides) * data.dtype.itemsize
            many = max(1, _SLAB // one)
            for begin in watched(range(0, last, many), f"unpacking {Path(self.path).name}"):
                count = min(many, last - begin)
                slab = np.frombuffer(data.take(count * one), data.dtype).reshape((*sides, count), order="F")
                out.write(np.ascontiguousarray(np.moveaxis(slab, -1, 0), native).data)

    @contextmanager
    def _data(self, name: str, to_the_end: bool = True) -> Iterator[_Data]:
        """The values of a variable, all of which are to be taken within the block, unless it says otherwise."""
        variable = next(variable for variable in reversed(self.variables) if variable.listed.name == name)
        shape = variable.listed.shape
        if variable.is_complex:
            raise DataError(
                f"{self.path}: {name}: values of type complex128 are not supported; expected real numbers (integer or "
                "float)"
            )
        if variable.data is None:
            raise DataError(f"{self.path}: variable {variable.listed} holds no numbers")
        with Path(self.path).open("rb") as file:
            content = _Content(file, variable)
            head = content.take(variable.data + 8)
            if len(head) < variable.data + 8:
                raise self._damaged(f"variable {name!r} is cut")
            kind, size, inline = self._tag(head, variable.data)
            if kind not in _TYPES:
                raise self._damaged(f"variable {name!r} has data of type {kind}, which no array of numbers has")
            dtype = np.dtype(self.order + _TYPES[kind])
            expected = math.prod(shape) * dtype.itemsize
            if size != expected:
                raise self._damaged(
                    f"variable {name!r} of {'x'.join(map(str, shape))} values of {dtype.itemsize} bytes declares "
                    f"{size} bytes of them, expected {expected}"
                )
            begin = variable.data + 4

            def take(count: int) -> bytearray:
                data = bytearray(head[begin : begin + size]) if inline else content.take(count)
                if len(data) != count:
                    raise self._damaged(f"variable {name!r} is cut: {len(data)} of {count} bytes")
                return data

            yield _Data(shape, dtype, size, take)
            if to_the_end and not content.ends():
                raise self._damaged(f"variable {name!r} goes on behind its data, or its checksum is wrong")

    def _elements(self, file: BinaryIO) -> Iterator[Mat5Variable]:
        """The variables from here to the end of the file."""
        end = os.fstat(file.fileno()).st_size
        place = _FILE_HEADER
        while place < end:
            file.seek(place)
            tag = file.read(8)
            if len(tag) < 8:
                raise self._damaged("it ends in the middle of a tag")
            kind, size = struct.unpack(f"{self.order}II", tag)
            if kind in (_MATRIX, _COMPRESSED) and size > end - place - 8:
                raise self._damaged(f"it is cut: it has {end} bytes, an array in it ends at {place + 8 + size}")
            if kind not in (_MATRIX, _COMPRESSED):
                raise self._damaged(f"an element of type {kind} and {size} bytes at byte {place} is none")
            yield self._variable(file, kind == _COMPRESSED, place + 8, size)
            place += 8 + size

    def _variable(self, file: BinaryIO, packed: bool, begin: int, size: int) -> Mat5Variable:
        """Read array flags, shape and name."""
        bare = Mat5Variable(Variable("", (), "", False), False, packed, begin, size, None)
        head = bytes(_Content(file, bare).take(_ENOUGH))
        place = 0
        if packed:
            if len(head) < 8 or struct.unpack_from(f"{self.order}I", head)[0] != _MATRIX:
                raise self._damaged("a packed element holds no variable")
            place = 8
        if len(head) == place and size == (0 if not packed else size):
            return bare  # an empty variable
        try:
            kind, length, _ = self._tag(head, place)
            if kind != 6 or length != 8:
                raise self._damaged("a variable begins without its flags")
            flags = struct.unpack_from(f"{self.order}I", head, place + 8)[0]
            number = flags & 0xFF
            if number in (16, 17):
                return bare  # functions and objects of MATLAB's own have no shape
            shape_type, shape_bytes, place = self._part(head, place + 16)
            name_type, name_bytes, place = self._part(head, place)
        except struct.error:
            raise self._damaged("a variable is cut in its header") from None
        if shape_type != 5 or len(shape_bytes) % 4 or not 8 <= len(shape_bytes) <= 4 * _MOST_AXES:
            raise self._damaged("a variable's shape is none")
        if name_type not in (1, 2, 16) or not 0 < number < len(_CLASSES):
            raise self._damaged("a variable's name or class is none")
        shape = struct.unpack(f"{self.order}{len(shape_bytes) // 4}i", shape_bytes)
        if min(shape) < 0:
            raise self._damaged(f"a variable's shape is {shape}")
        numeric = number in _NUMERIC
        kind_name = "logical" if numeric and flags & _LOGICAL else _CLASSES[number]
        listed = Variable(name_bytes.decode("latin1"), shape, kind_name, numeric)
        return Mat5Variable(listed, bool(flags & _COMPLEX), packed, begin, size, place if numeric else None)

    def _part(self, head: bytes, place: int) -> tuple[int, bytes, int]:
        """Type and content of the element at a place, and where the next one begins."""
        kind, size, inline = self._tag(head, place)
        begin = place + (4 if inline else 8)
        if begin + size > len(head):
            raise self._damaged("a variable's shape or name is longer than any, or cut")
        return kind, head[begin : begin + size], place + 8 if inline else begin + size + -size % 8

    def _tag(self, head: bytes | bytearray, place: int) -> tuple[int, int, bool]:
        """Type and bytes of an element, and whether up to four bytes stand in the tag itself."""
        kind, size = struct.unpack_from(f"{self.order}II", head, place)
        if kind >> 16:
            if kind >> 16 > 4:
                raise self._damaged("a short element has more than four bytes")
            return kind & 0xFFFF, kind >> 16, True
        return kind, size, False

    def _damaged(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self.path}: not a readable .mat file: {what}")


class _Content:
    """The bytes of a variable, unpacked, from its beginning."""

    def __init__(self, file: BinaryIO, variable: Mat5Variable) -> None:
        file.seek(variable.begin)
        self.file = file
        self.left = variable.size
        self.unpacker = zlib.decompressobj() if variable.packed else None

    def take(self, count: int) -> bytearray:
        """The next bytes, fewer where there are no more; no more than that are unpacked."""
        taken = bytearray()
        while len(taken) < count:
            wanted = min(count - len(taken), 1 << 24)
            if self.unpacker is None:
                piece = self.file.read(min(wanted, self.left))
                self.left -= len(piece)
                if not piece:
                    break
            else:
                source = self.unpacker.unconsumed_tail or self._packed()
                piece = self.unpacker.decompress(source, wanted)
                if not piece and (self.unpacker.eof or not source):
                    break
            taken += piece
        return taken

    def ends(self) -> bool:
        """Whether next to nothing follows, and the checksum of packed bytes is right."""
        if len(self.take(_PADDING + 1)) > _PADDING:
            return False
        return self.unpacker is None or self.unpacker.eof

    def _packed(self) -> bytes:
        piece = self.file.read(min(_PIECE, self.left))
        self.left -= len(piece)
        return piece
