"""Chunks of Zarr that hold more than their array has room for are refused before they are unpacked."""

from __future__ import annotations

import zlib
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 1 << 16
"""Bytes that a chunk may hold beyond its values: sums, and the indices of shards."""
ZSTD_BLOCK = 128 << 10
"""The most bytes that a block of Zstandard holds (RFC 8878, 3.1.1.2.4)."""


def bounded(array: Any) -> Any:
    """The array, whose codecs look at what a chunk would unpack to before they unpack it, within shards too.

    Args:
        array: zarr-python's, of version 3.
    """
    from zarr import Array
    from zarr.core.array import AsyncArray

    metadata = copy(array.metadata)
    object.__setattr__(metadata, "codecs", tuple(map(_checked, metadata.codecs)))
    return Array(AsyncArray(metadata, array.store_path, array.async_array.config))


def _checked(codec: Any) -> Any:
    """A codec that checks first; others are as they were."""
    from zarr.codecs import BloscCodec, GzipCodec, ShardingCodec, ZstdCodec

    if isinstance(codec, ShardingCodec):
        inner = {name: tuple(map(_checked, getattr(codec, name))) for name in ("codecs", "index_codecs")}
        return ShardingCodec(chunk_shape=codec.chunk_shape, index_location=codec.index_location, **inner)
    for kind, size in ((BloscCodec, blosc_size), (GzipCodec, gzip_size), (ZstdCodec, zstd_size)):
        if isinstance(codec, kind):
            found: Any = object.__new__(type(kind.__name__, (_Checked, kind), {"size": staticmethod(size)}))
            vars(found).update(vars(codec))
            return found
    return codec


class _Checked:
    """Before a codec in zarr-python's tree of classes: nothing is unpacked that has no room."""

    size: Callable[[bytes, int], int]

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        room = int(np.prod(chunk_spec.shape)) * chunk_spec.dtype.to_native_dtype().itemsize
        if self.size(chunk_bytes.to_bytes(), room + ROOM) > room + ROOM:
            raise FileFormatError(f"a chunk unpacks to more than the {room} bytes of its values")
        return await super()._decode_single(chunk_bytes, chunk_spec)  # type: ignore[misc]


def blosc_size(packed: bytes, most: int) -> int:
    """Bytes that a chunk of Blosc says it holds, which is what is set aside for it.

    Blosc 1 is given a chunk without its length and believes its header: one that says more than there is has it read
    far beyond the chunk, and the process ends by a signal where nothing lies there.

    Args:
        packed: The chunk.
        most: Not used: the header says it.

    Raises:
        FileFormatError: What the header says of lengths and places cannot be.
    """
    del most
    if len(packed) < 16:
        raise FileFormatError("a chunk of Blosc is cut within its header")
    size, block, length = np.frombuffer(packed, "<u4", 3, 4).tolist()
    if length != len(packed) or (size and not block):
        raise FileFormatError("a chunk of Blosc has another length than its header says")
    if size and not packed[2] & 2:  # in blocks, not stored as it is
        blocks = -(-size // block)
        begin = 16 + 4 * blocks
        starts = np.frombuffer(packed, "<u4", blocks, 16) if begin <= length else np.array([0])
        if starts.min() < begin or starts.max() >= length:
            raise FileFormatError("a chunk of Blosc has blocks that lie outside of it")
    return size


def gzip_size(packed: bytes, most: int) -> int:
    """Bytes that a chunk of gzip unpacks to, as far as that is of interest; they are made for it, no more than asked.

    Args:
        packed: The chunk.
        most: Bytes after which counting ends.

    Raises:
        zlib.error: It is damaged.
    """
    size = 0
    while packed and size <= most:
        stream = zlib.decompressobj(wbits=31)
        size += len(stream.decompress(packed, most + 1 - size))
        packed = stream.unused_data
    return size


def zstd_size(packed: bytes, most: int) -> int:
    """Bytes that a chunk of Zstandard holds: as its frame says, else the most that its blocks can hold less one.

    Args:
        packed: The chunk.
        most: Bytes after which counting ends.
    """
    if packed[:4] != b"\x28\xb5\x2f\xfd" or len(packed) < 6:
        return 0  # refused when it is unpacked
    flags = packed[4]
    single = flags >> 5 & 1
    place = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[flags >> 6]
    if width:
        return int.from_bytes(packed[place : place + width], "little") + (256 if width == 2 else 0)
    exponent, eighths = divmod(packed[5], 8)
    most_of_block = min((1 << exponent + 10) // 8 * (8 + eighths), ZSTD_BLOCK)
    size = last = 0
    while not last and place + 3 <= len(packed) and size <= most:
        block = int.from_bytes(packed[place : place + 3], "little")
        last, kind, length = block & 1, block >> 1 & 3, block >> 3
        size += most_of_block if kind == 2 and not last else 0 if kind == 2 else length
        place += 3 + (1 if kind == 1 else length)
    return size
