"""Cubes in MATLAB files: version 5 through scipy, version 7.3 through HDF5."""

from __future__ import annotations

import math
from os import PathLike
from typing import Literal

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.files import reading
from mmhsi.io.readers.base import CubeReader, check_dtype, take_block
from mmhsi.io.readers.mat5_header import check_variable
from mmhsi.io.readers.mat_variables import Variable, choose_variable
from mmhsi.io.selection import Window

_NUMERIC_CLASSES = frozenset(
    {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)
# MATLAB stores large arrays in compressed chunks of some megabytes; HDF5's own 1 MB cache would unpack a chunk anew for
# every window.
_CHUNK_CACHE_BYTES = 64 << 20


class Mat5Reader(CubeReader[NDArray]):
    """A variable of a MATLAB file up to version 7.

    Such a file cannot be read in part: the first need of the values or of their type loads the whole variable, which
    is kept until the reader is closed. (MATLAB calls an array double and yet stores it as int16 where that loses
    nothing; the stored type is the one that counts here.)

    Args:
        path: The file.
        key: The variable; None means the only one that fits.
        ndim: 3 for a cube (H, W, C), 2 for a map (H, W), which is then read as a cube of one band.
    """

    reopen_after_fork = False

    def __init__(self, path: str | PathLike[str], key: str | None, ndim: Literal[2, 3]) -> None:
        super().__init__(path)
        with reading(path, "not a readable .mat file"):
            listing = scipy.io.whosmat(self.path)
        self.variable = choose_variable(
            self.path,
            [Variable(name, shape, kind, kind in _NUMERIC_CLASSES) for name, shape, kind in listing],
            key,
            ndim,
        )

    def _open(self) -> NDArray:
        name = self.variable.name
        check_variable(self.path, name)
        with reading(self.path, f"cannot read variable {name!r}"):
            array = np.asarray(scipy.io.loadmat(self.path, variable_names=[name])[name])
        dtype = check_dtype(array.dtype, f"{self.path}: {name}")
        return np.ascontiguousarray(array.reshape(self.variable.shape_as_cube), dtype=dtype)

    def _describe(self) -> CubeInfo:
        return CubeInfo(shape=self.variable.shape_as_cube, dtype=self.handle().dtype, name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        return take_block(self.handle(), window, bands)


class Mat73Reader(CubeReader[h5py.File]):
    """A variable of a MATLAB 7.3 file, read by windows.

    MATLAB writes its column-major arrays as they lie in memory, so that HDF5 sees (C, W, H) where MATLAB has (H, W, C).

    Args:
        path: The file.
        key: The variable, with ``/`` before a struct's field; None means the only one that fits.
        ndim: 3 for a cube (H, W, C), 2 for a map (H, W), which is then read as a cube of one band.
    """

    def __init__(self, path: str | PathLike[str], key: str | None, ndim: Literal[2, 3]) -> None:
        super().__init__(path)
        try:
            self.variable = choose_variable(self.path, self._list(), key, ndim)
            stored = self.handle()[self.variable.name]
            self._dtype = check_dtype(stored.dtype, f"{self.path}: {self.variable.name}")
            self._check_storage(stored)
        except BaseException:
            self.close()  # nobody else can: the caller never gets the reader
            raise

    def _open(self) -> h5py.File:
        with reading(self.path, "not a readable MATLAB 7.3 (HDF5) file"):
            return h5py.File(self.path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)

    def _release(self, handle: h5py.File) -> None:
        handle.close()

    def _list(self) -> list[Variable]:
        variables: list[Variable] = []

        def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if name.startswith("#") or not isinstance(item, h5py.Dataset):
                return  # '#refs#' and '#subsystem#' are MATLAB's own
            kind = item.attrs.get("MATLAB_class", b"")
            kind = kind.decode() if isinstance(kind, bytes) else str(kind)
            # Text is stored as uint16 and cells as references: only MATLAB_class tells.
            numeric = item.dtype.kind in "biuf" and (kind in _NUMERIC_CLASSES or not kind)
            variables.append(Variable(name, tuple(reversed(item.shape or ())), kind or str(item.dtype), numeric))

        with reading(self.path, "not a readable MATLAB 7.3 (HDF5) file"):
            self.handle().visititems(visit)
        return variables

    def _check_storage(self, dataset: h5py.Dataset) -> None:
        """Refuse values that lie in other files, and packed chunks that are larger than the chunk itself.

        HDF5 unpacks whatever such a chunk holds, however much that is.
        """
        where = f"{self.path}: variable {self.variable.name!r}"
        if dataset.external or dataset.is_virtual:
            raise DataError(f"{where} keeps its values in other files; copy them into this one")
        if dataset.chunks is None:
            return
        unpacked = math.prod(dataset.chunks) * dataset.dtype.itemsize
        most = unpacked + unpacked // 64 + 1024  # what cannot be packed grows a little
        sizes: list[int] = []
        with reading(self.path, "not a readable MATLAB 7.3 (HDF5) file"):
            dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size))
        if max(sizes, default=0) > most:
            raise FileFormatError(
                f"{where} has a chunk of {max(sizes)} bytes for {unpacked} bytes of values; the file is damaged"
            )

    def _unit_bytes(self) -> int:
        chunks = self.handle()[self.variable.name].chunks
        return 0 if chunks is None else math.prod(chunks) * self._dtype.itemsize

    def _describe(self) -> CubeInfo:
        return CubeInfo(shape=self.variable.shape_as_cube, dtype=self._dtype, name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        row0, col0, height, width = window
        rows, cols = slice(row0, row0 + height), slice(col0, col0 + width)
        with reading(self.path, f"cannot read window {window} of {self.variable.name!r}, the file may be truncated"):
            dataset = self.handle()[self.variable.name]
            if dataset.ndim == 2:
                block = dataset[cols, rows][np.newaxis]  # (W, H) -> (1, W, H)
            elif bands is None:
                block = dataset[:, cols, rows]
            else:
                # HDF5 takes bands in rising order without repeats.
                wanted, order = np.unique(bands, return_inverse=True)
                run = slice(int(wanted[0]), int(wanted[-1]) + 1)
                block = dataset[run if len(wanted) == run.stop - run.start else wanted, cols, rows]
                return take_block(block.transpose(2, 1, 0), (0, 0, height, width), order.tolist())
        return take_block(block.transpose(2, 1, 0), (0, 0, height, width), bands)  # (C, w, h) -> (h, w, C)
