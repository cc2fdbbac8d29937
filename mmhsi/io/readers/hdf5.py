"""Cubes in HDF5 files: those of MATLAB 7.3, of netCDF 4 and of any other program that names its axes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py
import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.axes import Order, as_cube, named_order, order_of, ordered_shape, plain_order
from mmhsi.io.cube import CubeInfo
from mmhsi.io.files import reading
from mmhsi.io.readers.base import CubeReader, check_dtype, check_scale, take_block
from mmhsi.io.readers.hdf5_attributes import Declared, check_storage, declared
from mmhsi.io.readers.hdf5_axes import axis_roles
from mmhsi.io.readers.hdf5_content import text_of, walk
from mmhsi.io.readers.hdf5_mapped import MappedData, map_data
from mmhsi.io.readers.hdf5_opening import open_hdf5
from mmhsi.io.readers.variables import AXES, NOUN, NUMERIC_CLASSES, Variable, choose_variable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from mmhsi.io.selection import Window

# Large arrays lie in compressed chunks of some megabytes; HDF5's own 1 MB cache would unpack a chunk anew for every
# window.
_CHUNK_CACHE_BYTES = 64 << 20
_MATLAB_MARK = b"MATLAB 7.3"
_AXES_HINT = "say which axis is which with axes='y x band' in the order of the shape"


def is_matlab(path: str | PathLike[str]) -> bool:
    """Whether MATLAB wrote an HDF5 file: it begins with MATLAB's own words, or its variables carry MATLAB's classes.

    Args:
        path: An HDF5 file.
    """
    with Path(path).open("rb") as file:
        if file.read(len(_MATLAB_MARK)) == _MATLAB_MARK:
            return True
    with reading(path, "not a readable HDF5 file"), open_hdf5(path) as content:
        return any("MATLAB_class" in item.attrs for _, item in walk(content))


class Hdf5Reader(CubeReader[h5py.File]):
    """A data set of an HDF5 or netCDF-4 file, read by windows.

    Which axis holds rows, columns and bands is not guessed: it stands in the file (dimension scales, names of
    dimensions, attributes) or is given. Rows and columns stay in the file's order.

    Args:
        path: The file.
        key: The data set, with its groups; None means the only one that fits.
        ndim: 3 for a cube, 2 for a map, which is then read as a cube of one band.
        axes: The data set's axes, such as ``"y x band"``. Default None: the file says it.

    Raises:
        FileFormatError: The file is damaged.
        DataError: No data set fits, or several, or its axes are not known.
    """

    def __init__(
        self, path: str | PathLike[str], key: str | None, ndim: Literal[2, 3], axes: str | None = None
    ) -> None:
        super().__init__(path)
        try:
            variables = self._list()
            if key is not None:
                key = key.strip("/")
            self.variable = choose_variable(self.path, variables, key, ndim, _AXES_HINT, column_major=self.column_major)
            stored = self.handle()[self.variable.name]
            self._dtype = check_dtype(stored.dtype, f"{self.path}: {self.variable.name}")
            with reading(self.path, "not a readable HDF5 file"):
                check_storage(stored, f"{self.path}: variable {self.variable.name!r}")
            self.order = self._order(stored, axes, ndim, variables)
            self._declared: Declared | None = None
            self._ndim, self._unit = stored.ndim, math.prod(stored.chunks or (0,)) * self._dtype.itemsize
            self._mapped = map_data(stored, path)
        except BaseException:
            self.close()  # nobody else can: the caller never gets the reader
            raise

    column_major = False
    """Whether shapes are shown in the order of MATLAB."""

    _ndim = 0
    _mapped: MappedData | None = None

    def _open(self) -> h5py.File:
        file = open_hdf5(self.path, _CHUNK_CACHE_BYTES)
        if self._ndim:  # opened again, of what has been looked at
            with reading(self.path, "not a readable HDF5 file"):
                self._mapped = map_data(file[self.variable.name], self.path)
        return file

    def _dataset(self) -> h5py.Dataset:
        return self.handle()[self.variable.name]

    def _release(self, handle: h5py.File) -> None:
        self._mapped = None
        handle.close()

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_mapped": None}

    def _list(self) -> list[Variable]:
        with reading(self.path, "not a readable HDF5 file"):
            return [self._variable(name, item) for name, item in walk(self.handle()) if isinstance(item, h5py.Dataset)]

    def _variable(self, name: str, item: h5py.Dataset) -> Variable:
        kind = text_of(item.attrs.get("MATLAB_class", b""))
        # Text is stored as uint16 and cells as references: only MATLAB_class tells.
        numeric = item.dtype.kind in "biuf" and (kind in NUMERIC_CLASSES or not kind)
        shape = tuple(reversed(item.shape or ())) if self.column_major else item.shape or ()
        return Variable(name, shape, kind or str(item.dtype), numeric)

    def _order(
        self, stored: h5py.Dataset, axes: str | None, ndim: Literal[2, 3], variables: Sequence[Variable]
    ) -> Order:
        """Where rows, columns and bands lie, as the user or the file says it."""
        if axes is not None:
            return named_order(axes, stored.shape, ndim, f"{self.path}: {self.variable.name}")
        with reading(self.path, f"the attributes of {self.variable.name!r} cannot be read"):
            order = order_of(axis_roles(stored), stored.shape, ndim)
        if order is None:
            raise DataError(
                f"{self.path}: does not say which axis of {self.variable} is which; {_AXES_HINT} (and key= where "
                f"another is meant); the file holds {', '.join(map(str, variables))}"
            )
        return order

    def _unit_bytes(self) -> int:
        return self._unit

    def _says(self) -> Declared:
        """What the file says of the data set."""
        if self._declared is None:
            with reading(self.path, f"the attributes of {self.variable.name!r} cannot be read"):
                self._declared = declared(self.handle(), self.variable.name, self.order, self.path)
        return self._declared

    def _describe(self) -> CubeInfo:
        shape = ordered_shape(self.handle()[self.variable.name].shape, self.order)
        said = self._says()
        scale, offset = check_scale([said.scale] * shape[2], [said.offset] * shape[2], self.path)
        return CubeInfo(
            shape=shape,
            dtype=self._dtype,
            wavelengths=said.wavelengths,
            fwhm=said.fwhm,
            good_bands=np.ones(shape[2], dtype=bool) if said.good_bands is None else said.good_bands,
            nodata=said.nodata[0] if said.nodata else None,
            crs=said.crs,
            transform=said.transform,
            name=self.path,
            scale=scale,
            offset=offset,
            reflectance=said.reflectance,
        )

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        return take_block(self._read_view(window, bands), (0, 0, window[2], window[3]), None)

    def _read_view(self, window: Window, bands: list[int] | None) -> NDArray:
        row0, col0, height, width = window
        row_axis, column_axis, band_axis = self.order
        order: list[int] | None = None
        with reading(self.path, f"cannot read window {window} of {self.variable.name!r}, the file may be truncated"):
            self.handle()
            index: list[Any] = [0] * self._ndim
            index[row_axis], index[column_axis] = slice(row0, row0 + height), slice(col0, col0 + width)
            source = None if self._mapped is None else self._mapped.values(height, row_axis)
            if band_axis is not None:
                index[band_axis] = slice(None)
                if bands is not None:
                    # HDF5 takes bands in rising order without repeats.
                    wanted, inverse = np.unique(bands, return_inverse=True)
                    run = slice(int(wanted[0]), int(wanted[-1]) + 1)
                    if source is not None:  # picked while they are copied
                        wanted, inverse = np.arange(run.start, run.stop), np.asarray(bands) - run.start
                    index[band_axis] = run if len(wanted) == run.stop - run.start else wanted
                    order = None if np.array_equal(wanted, bands) else inverse.tolist()
            block = (self._dataset() if source is None else source)[tuple(index)]
        kept = sorted(axis for axis in self.order if axis is not None)
        rows, columns, band = (None if axis is None else kept.index(axis) for axis in self.order)
        assert rows is not None
        assert columns is not None  # only bands may be missing
        block = as_cube(block, (rows, columns, band))
        return block if order is None else block[..., order]

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        return self._says().mask(data)


class Mat73Reader(Hdf5Reader):
    """A variable of a MATLAB 7.3 file, read by windows.

    MATLAB writes its column-major arrays as they lie in memory, so that HDF5 sees (C, W, H) where MATLAB has (H, W, C).

    Args:
        path: The file.
        key: The variable, with ``/`` before a struct's field; None means the only one that fits.
        ndim: 3 for a cube (H, W, C), 2 for a map (H, W), which is then read as a cube of one band.
        axes: The variable's axes in the order of MATLAB. Default ``"y x band"``.
    """

    column_major = True

    def _order(
        self, stored: h5py.Dataset, axes: str | None, ndim: Literal[2, 3], variables: Sequence[Variable]
    ) -> Order:
        if axes is not None:
            return super()._order(stored, " ".join(reversed(axes.replace(",", " ").split())), ndim, variables)
        order = plain_order(self.variable.shape, ndim)
        if order is None:
            raise DataError(f"{self.path}: variable {self.variable} is no {NOUN[ndim]}: expected {AXES[ndim]}")
        last = stored.ndim - 1
        return last, last - 1, None if order[2] is None else last - 2
