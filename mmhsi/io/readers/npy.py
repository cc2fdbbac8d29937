"""Cubes in NumPy's .npy files, mapped into memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.axes import as_cube, named_order, plain_order
from mmhsi.io.cube import CubeInfo
from mmhsi.io.files import reading
from mmhsi.io.readers.base import CubeReader, check_dtype, take_block

if TYPE_CHECKING:
    from os import PathLike

    from mmhsi.io.selection import Window

_MAGIC = b"\x93NUMPY"
_LARGEST_HEADER = 1 << 16


class NpyReader(CubeReader[NDArray]):
    """A cube (H, W, C) in a .npy file.

    Args:
        path: The file.
        ndim: 3 for a cube; 2 for a map (H, W) or (H, W, 1), which is then read as a cube of one band.
        axes: The array's axes, such as ``"band y x"``. Default: ``"y x band"``.

    Raises:
        FileFormatError: There is no such file, or it is not a complete .npy file.
        DataError: The array has the wrong number of axes or a type that is not a real number.
    """

    reopen_after_fork = False
    copies = 1

    def __init__(self, path: str | PathLike[str], ndim: Literal[2, 3], axes: str | None = None) -> None:
        super().__init__(path)
        self.ndim = ndim
        self.axes = axes
        self.handle()

    def _open(self) -> NDArray:
        with Path(self.path).open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise FileFormatError(f"{self.path}: not a .npy file (it does not begin with {_MAGIC!r})")
            major, _ = file.read(2).ljust(2)
            header = int.from_bytes(file.read(2 if major == 1 else 4), "little")
            if header > _LARGEST_HEADER:  # NumPy would look at it first
                raise FileFormatError(f"{self.path}: its header has {header} bytes; expected at most {_LARGEST_HEADER}")
        with reading(self.path, "not a complete .npy file"):
            try:
                array = np.load(self.path, mmap_mode="r", allow_pickle=False)
            except ValueError as exc:
                if "Python objects" in str(exc):
                    raise DataError(
                        f"{self.path}: an array of Python objects is not supported; expected real numbers"
                    ) from exc
                if "mmap length is greater" in str(exc):
                    size = Path(self.path).stat().st_size
                    raise FileFormatError(
                        f"{self.path}: not a complete .npy file: it is cut: it has {size} bytes, its header needs more"
                    ) from exc
                raise
        check_dtype(array.dtype, self.path)
        if self.axes is None:
            order = plain_order(array.shape, self.ndim)
        else:
            order = named_order(self.axes, array.shape, self.ndim, self.path)
        if order is None:
            expected = "a cube has three axes (H, W, C)" if self.ndim == 3 else "a map has two axes (H, W)"
            raise DataError(f"{self.path}: the array has shape {array.shape}; {expected}")
        return as_cube(array, order)

    def _describe(self) -> CubeInfo:
        array = self.handle()
        height, width, bands = array.shape
        return CubeInfo(shape=(height, width, bands), dtype=array.dtype.newbyteorder("="), name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        block = take_block(self.handle(), window, bands)
        # Pages that were read would count as this process's memory until the file is closed.
        mapped = getattr(self.handle(), "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return block
