"""A scene that memory does not hold: its values lie in a file, row by row with all bands of a pixel together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmhsi.io.kept_folders import unpacked_of
from mmhsi.io.memory import ALWAYS_THERE, available_memory
from mmhsi.progress import watched

from .statistics import refuse_empty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from mmhsi.io import CubeReader, HSICube

PART = 64 << 20
"""Bytes of a scene that are held at a time."""
SHARE = 2
"""A scene may take one part in so many of the memory there is."""
LARGEST_BESIDE_CPU = 3 << 30
"""Bytes that it takes at most where there is no GPU: beside a CPU's passes cutting windows from a file costs little."""


def held_in_memory(reader: CubeReader, bands: int) -> bool:
    """Whether a scene is held: its values, and those that its windows are gathered from.

    One on a server always is: nothing would tell whether it is the one that was unpacked.

    Args:
        reader: Of its file.
        bands: How many are used.
    """
    height, width, _ = reader.info.shape
    needed = height * width * bands * (reader.info.dtype.itemsize + 4)
    most = max(ALWAYS_THERE, available_memory() // SHARE)
    return not reader.files or needed <= (most if torch.cuda.is_available() else min(most, LARGEST_BESIDE_CPU))


def mapped_cube(reader: CubeReader, bands: list[int], read_as: object) -> tuple[HSICube, NDArray[np.bool_]]:
    """A scene whose values are mapped from a file, which is made once and kept (:mod:`mmhsi.io.kept_folders`).

    Args:
        reader: Of its file.
        bands: Those that are used, 0-based.
        read_as: What else decides the values of a file, such as the name of its variable.

    Returns:
        The cube, and its pixels that hold data, (H, W).

    Raises:
        DataError: There is no room for its values, or a band holds none.
    """
    height, width, _ = reader.info.shape
    shape, dtype = (height, width, len(bands)), reader.info.dtype
    size = int(np.prod(shape)) * dtype.itemsize

    def whole(folder: Path) -> bool:
        files = [folder / name for name in ("values.npy", "valid.npy", "empty.npy")]
        return all(file.is_file() for file in files) and files[0].stat().st_size > size

    def fill(folder: Path) -> None:
        valid, empty = np.empty(shape[:2], bool), np.ones(len(bands), bool)
        with (folder / "values.npy").open("wb") as out:
            header = dict(descr=dtype.str, fortran_order=False, shape=shape)
            np.lib.format.write_array_header_1_0(out, header)
            for rows, part in read_parts(reader, bands, f"unpacking {reader.path}"):
                out.write(np.ascontiguousarray(part.data, dtype).data)
                valid[rows] = part.valid()
                _still_empty(empty, part)
        np.save(folder / "valid.npy", valid)
        np.save(folder / "empty.npy", np.flatnonzero(empty))

    part = json.dumps([bands, repr(read_as)])
    folder = unpacked_of(reader.files, size, whole, fill, part)
    refuse_empty(reader.path, np.load(folder / "empty.npy").tolist())
    cube, valid = reader.read((0, 0, 1, 1), bands), np.load(folder / "valid.npy")
    cube.data, cube.mask = np.load(folder / "values.npy", mmap_mode="r"), valid
    cube.transform = reader.info.transform
    return cube, valid


def read_parts(reader: CubeReader, bands: list[int], doing: str) -> Iterator[tuple[slice, HSICube]]:
    """Read a scene from top to bottom, so many rows in memory as may be held.

    Args:
        reader: Of its file.
        bands: Those that are read, 0-based.
        doing: What a bar says of it.

    Yields:
        Rows, and their cube.
    """
    height, width, _ = reader.info.shape
    for rows in watched(list(row_parts((height, width, len(bands)), reader.info.dtype.itemsize)), doing):
        yield rows, reader.read((rows.start, 0, rows.stop - rows.start, width), bands)


def _still_empty(empty: NDArray[np.bool_], part: HSICube) -> None:
    """Take away the bands that hold data in a part of a scene."""
    if empty.any():
        empty &= np.isin(np.arange(len(empty)), part.empty_bands())


def row_parts(shape: tuple[int, int, int], itemsize: int) -> Iterator[slice]:
    """Rows of a scene, so many together as may be held.

    Args:
        shape: (H, W, C).
        itemsize: Bytes of a value.
    """
    step = max(1, PART // max(1, shape[1] * shape[2] * itemsize))
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))
