"""The reader that fits a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Literal

import h5py

from mmhsi.errors import DataError
from mmhsi.io.cube import HSICube
from mmhsi.io.files import existing_file
from mmhsi.io.readers.base import CubeReader
from mmhsi.io.readers.mat import Mat5Reader, Mat73Reader
from mmhsi.io.readers.npy import NpyReader
from mmhsi.io.readers.raster import RasterReader


def open_reader(path: str | PathLike[str], key: str | None, ndim: Literal[2, 3]) -> CubeReader:
    """Open a cube (`ndim` 3) or a map (`ndim` 2) by the file's suffix; anything but .mat and .npy is left to GDAL.

    Args:
        path: The file.
        key: Variable of a .mat file, None for the only one that fits.
        ndim: Axes wanted.
    """
    file = existing_file(path)
    suffix = file.suffix.lower()
    if suffix == ".mat":
        return (Mat73Reader if h5py.is_hdf5(file) else Mat5Reader)(path, key, ndim)
    if suffix != ".npy":
        return RasterReader(path, key)
    if key is not None:
        raise DataError(f"{file}: key {key!r} names a variable of a .mat file; this file has none")
    return NpyReader(path, ndim)


def open_cube(path: str | PathLike[str], key: str | None = None) -> CubeReader:
    """Open a cube without reading its values.

    Args:
        path: A GeoTIFF, an ENVI header or its data file, another raster that GDAL opens, a .mat file (version 5 or 7.3)
            or a .npy file.
        key: The variable of a .mat file; None means the only 3-D one.

    Returns:
        The reader, to be used in a ``with`` statement.

    Raises:
        FileFormatError: The file is missing, empty, a folder, damaged or of another format.
        DataError: The file holds no cube of real numbers, or `key` is not in it.
    """
    return open_reader(path, key, 3)


def read_cube(
    path: str | PathLike[str],
    key: str | None = None,
    window: Sequence[int] | None = None,
    bands: Iterable[int] | None = None,
) -> HSICube:
    """Read a cube, or a window or some bands of it.

    Args:
        path: The file, as in :func:`open_cube`.
        key: The variable of a .mat file; None means the only 3-D one.
        window: (row0, col0, height, width) in pixels; None means the whole scene.
        bands: 0-based bands in the order wanted; None means all.

    Returns:
        The cube (height, width, bands).

    Raises:
        FileFormatError: The file is missing, empty, a folder, damaged or of another format.
        DataError: The file holds no cube, or key, window or bands do not fit it.
    """
    with open_cube(path, key) as reader:
        return reader.read(window, bands)
