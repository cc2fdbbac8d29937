"""Cubes in MATLAB files up to version 7; those of version 7.3 are HDF5 files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mmhsi.errors import DataError
from mmhsi.io.axes import as_cube, named_order, ordered_shape, plain_order
from mmhsi.io.cube import CubeInfo
from mmhsi.io.files import reading
from mmhsi.io.kept_folders import unpacked_of
from mmhsi.io.memory import ALWAYS_THERE
from mmhsi.io.readers.band_lists import BandLists, read_band_lists
from mmhsi.io.readers.base import CubeReader, check_dtype, take_block
from mmhsi.io.readers.mat5_file import Mat5File
from mmhsi.io.readers.variables import AXES, NOUN, NUMERIC_CLASSES, Variable, choose_variable

if TYPE_CHECKING:
    from os import PathLike

    from mmhsi.io.selection import Window


class Mat5Reader(CubeReader[NDArray]):
    """A variable of a MATLAB file up to version 7.

    Such a file cannot be read in part: the first need of the values or of their type loads the whole variable, which
    is kept until the reader is closed. One of more than 256 MB is unpacked once instead, into a file that is kept for
    the next process as long as there is room (:mod:`mmhsi.io.kept_folders`), and mapped. (MATLAB calls an array double
    and yet stores it as int16 where that loses nothing; the stored type is the one that counts here.)

    Variables beside it with one value a band, such as ``wavelength`` or ``bbl``, say what the bands are
    (:mod:`mmhsi.io.readers.band_lists`).

    Args:
        path: The file.
        key: The variable; None means the only one that fits.
        ndim: 3 for a cube (H, W, C), 2 for a map (H, W), which is then read as a cube of one band.
        axes: The variable's axes. Default: ``"y x band"``.
    """

    reopen_after_fork = False

    def __init__(
        self, path: str | PathLike[str], key: str | None, ndim: Literal[2, 3], axes: str | None = None
    ) -> None:
        super().__init__(path)
        with reading(path, "not a readable .mat file"):
            self.variables = self._list()
        self.variable = choose_variable(self.path, self.variables, key, ndim)
        shape = self.variable.shape
        if axes is not None:
            self.order = named_order(axes, shape, ndim, f"{self.path}: {self.variable.name}")
            return
        order = plain_order(shape, ndim)
        if order is None:
            raise DataError(f"{self.path}: variable {self.variable} is no {NOUN[ndim]}: expected {AXES[ndim]}")
        self.order = order

    def _list(self) -> list[Variable]:
        if not self._is_version_4():
            return [variable.listed for variable in Mat5File(self.path).variables]
        from scipy.io import whosmat  # not at the top: for files older than version 5 alone

        listing = whosmat(self.path)
        return [Variable(name, shape, kind, kind in NUMERIC_CLASSES) for name, shape, kind in listing]

    def _is_version_4(self) -> bool:
        """Whether the file is older than version 5, whose first word is no text."""
        with Path(self.path).open("rb") as file:
            return 0 in file.read(4)

    def _open(self) -> NDArray:
        name = self.variable.name
        with reading(self.path, f"cannot read variable {name!r}"):
            if self._is_version_4() or (size := Mat5File(self.path).bytes_of(name)) <= ALWAYS_THERE:
                array, mapped = self._load(name), False
            else:
                array, mapped = self._mapped(name, size), True
        dtype = check_dtype(array.dtype, f"{self.path}: {name}")
        cube = as_cube(array, self.order)
        return cube if mapped else np.ascontiguousarray(cube, dtype=dtype)

    def _mapped(self, name: str, size: int) -> NDArray:
        """A variable of so many bytes, from a file that it is unpacked to, in MATLAB's shape."""
        file = Mat5File(self.path)

        def whole(folder: Path) -> bool:
            values = folder / "values.npy"
            return values.is_file() and values.stat().st_size > size

        folder = unpacked_of(
            [Path(self.path)], size, whole, lambda folder: file.unpack(name, folder / "values.npy"), part=name
        )
        return np.moveaxis(np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False), 0, -1)

    def _load(self, name: str) -> NDArray:
        if self._is_version_4():
            from scipy.io import loadmat

            return np.asarray(loadmat(self.path, variable_names=[name])[name])
        return Mat5File(self.path).read(name)

    def _describe(self) -> CubeInfo:
        shape = ordered_shape(self.variable.shape, self.order)
        lists = self.band_lists(shape[2])
        return CubeInfo(shape=shape, dtype=self.handle().dtype, name=self.path, **lists._asdict())

    def band_lists(self, bands: int) -> BandLists:
        """What the file's other variables say of the bands.

        Args:
            bands: How many there are.

        Raises:
            DataError: A list is damaged, or its wavelengths can be of no optical sensor.
        """
        others = [item for item in self.variables if item.name != self.variable.name]
        with reading(self.path, "cannot read its lists of bands"):
            return read_band_lists(self.path, others, bands, self._load)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        return take_block(self.handle(), window, bands)
