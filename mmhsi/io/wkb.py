"""Points, lines and polygons from the bytes that a vector file gives them in (well-known binary, OGC 06-103r4 §8)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Kind = Literal["Point", "LineString", "Polygon"]

_KINDS: dict[int, Kind] = {1: "Point", 2: "LineString", 3: "Polygon"}
_COLLECTIONS = (4, 5, 6, 7)
_EXTRA = {0: 0, 1: 1, 2: 1, 3: 2}
"""Coordinates beyond x and y by the thousands of a type: none, z, m, z and m."""


class Shape(NamedTuple):
    """A point, a line or a polygon.

    Attributes:
        kind: Which of them.
        rings: Coordinates (N, 2): one array of a point or a line; of a polygon its outline, then its holes.
    """

    kind: Kind
    rings: list[NDArray[np.float64]]


def decode(geometry: bytes) -> list[Shape]:
    """Take a geometry apart; collections come as their parts.

    Args:
        geometry: Well-known binary.

    Returns:
        Its parts; none of an empty geometry.

    Raises:
        ValueError: The bytes end early, or are a curve or a surface.
    """
    shapes: list[Shape] = []
    try:
        _take(geometry, 0, shapes, 0)
    except struct.error as error:
        raise ValueError("its geometry ends early") from error
    return shapes


def _take(data: bytes, at: int, shapes: list[Shape], depth: int) -> int:
    """Append what begins at a byte; gives the byte behind it."""
    order = "<" if data[at : at + 1] == b"\1" else ">"
    (code,) = struct.unpack_from(f"{order}I", data, at + 1)
    at += 5
    extra = bool(code & 0x80000000) + bool(code & 0x40000000)  # PostGIS' way of saying z and m
    thousands, kind = divmod(code & 0xFFFFFFF, 1000)
    width = 2 + max(extra, _EXTRA.get(thousands, 0))
    if kind in _COLLECTIONS and depth < 8:
        (count,) = struct.unpack_from(f"{order}I", data, at)
        at += 4
        for _ in range(count):
            at = _take(data, at, shapes, depth + 1)
        return at
    if kind not in _KINDS:
        what = "a curve (QGIS: Segmentize)" if kind in (8, 9, 10, 11, 12) else f"of type {kind}"
        raise ValueError(f"its geometry is {what}; expected points, lines or polygons")
    lengths = [1]
    rings = []
    if kind == 3:
        (count,) = struct.unpack_from(f"{order}I", data, at)
        at += 4
        lengths = [0] * min(count, len(data))
    for _ in lengths:
        length = 1
        if kind != 1:
            (length,) = struct.unpack_from(f"{order}I", data, at)
            at += 4
        end = at + 8 * width * length
        if end > len(data):
            raise ValueError("its geometry ends early")
        ring = np.frombuffer(data, f"{order}f8", width * length, at).reshape(length, width)
        rings.append(ring if width == 2 else ring[:, :2])
        at = end
    empty = not rings or not len(rings[0]) or (kind == 1 and np.isnan(rings[0]).all())
    if not empty:
        shapes.append(Shape(_KINDS[kind], rings))
    return at


def encode(shapes: Sequence[Shape]) -> bytes:
    """Little-endian well-known binary of a feature; several parts are a collection of their kind.

    Args:
        shapes: Its parts, at least one.
    """
    if len(shapes) == 1:
        return _encoded(shapes[0])
    kinds = {shape.kind for shape in shapes}
    code = next(code for code, kind in _KINDS.items() if kind in kinds) + 3 if len(kinds) == 1 else 7
    return struct.pack("<BII", 1, code, len(shapes)) + b"".join(_encoded(shape) for shape in shapes)


def _encoded(shape: Shape) -> bytes:
    code = next(code for code, kind in _KINDS.items() if kind == shape.kind)
    rings = [ring.astype("<f8").tobytes() for ring in shape.rings]
    if shape.kind == "Point":
        return struct.pack("<BI", 1, code) + rings[0]
    parts = [struct.pack("<I", len(ring)) + values for ring, values in zip(shape.rings, rings, strict=True)]
    if shape.kind == "LineString":
        return struct.pack("<BI", 1, code) + parts[0]
    return struct.pack("<BII", 1, code, len(rings)) + b"".join(parts)
