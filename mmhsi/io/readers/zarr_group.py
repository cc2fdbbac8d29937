"""Cubes in Zarr, of version 3 or 2: folders of chunks, read by zarr-python."""

from __future__ import annotations

import math
import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.axes import Order, as_cube, named_order, order_of, ordered_shape, role_of
from mmhsi.io.cube import CubeInfo, all_good, holds_data
from mmhsi.io.files import reading
from mmhsi.io.memory import available_memory
from mmhsi.io.readers.base import CubeReader, check_dtype, check_scale
from mmhsi.io.readers.scaling import reflectance_in
from mmhsi.io.readers.variables import Variable, choose_variable
from mmhsi.io.readers.zarr_codecs import bounded
from mmhsi.io.readers.zarr_metadata import ARRAY_2, GROUP_2, METADATA, metadata_files, node_metadata
from mmhsi.io.wavelengths import in_nanometres
from mmhsi.io.xml_files import read_xml
from mmhsi.io.zarr_missing import decode_missing
from mmhsi.io.zarr_writer import import_zarr

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    from mmhsi.io.selection import Window

CODECS = {"bytes", "blosc", "gzip", "zstd", "crc32c", "transpose", "sharding_indexed"}
"""Those that are read. Others that numcodecs registers may run what a file holds."""
KEPT = 64 << 20
"""Bytes of the last whole chunks that are kept, so that windows beside each other unpack them once."""
SHARE = 16
"""Of the free memory the part that a row of chunks may take while a scene is read by rows, if it is more than that."""


def is_zarr(path: str | PathLike[str]) -> bool:
    """Whether a path leads to a folder of Zarr, of any version.

    Args:
        path: Any.
    """
    # pathlib's is_file() raises where a folder may not be read, or a name is too long.
    return any(os.path.isfile(Path(path, name)) for name in (METADATA, GROUP_2, ARRAY_2))  # noqa: PTH113


class ZarrReader(CubeReader[Any]):
    """A cube in an array of a Zarr group, or in an array alone. Whole chunks are read, the last ones kept.

    Args:
        path: The folder.
        key: Name of the array in its group; None for the only one that fits.
        ndim: 3 for a cube, 2 for a map.
        axes: Axes of the array, such as ``"y x band"``. Default None: what its dimensions are called.

    Raises:
        ConfigError: zarr is not installed.
        FileFormatError: The folder is damaged, or packed in a way that is not read.
        DataError: The array is no cube of real numbers, or its axes are not known.
    """

    def __init__(
        self, path: str | PathLike[str], key: str | None, ndim: Literal[2, 3], axes: str | None = None
    ) -> None:
        super().__init__(path)
        self.key = key
        self.ndim = ndim
        self.axes = axes
        self._kept: tuple[tuple[slice, ...], NDArray] | None = None
        self._order: Order | None = None
        self.handle()

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_kept": None}

    @property
    def files(self) -> list[Path]:
        """Metadata of the folder and of its arrays, without their chunks."""
        folder = Path(self.path).absolute()
        return [file for node in (folder, *_nodes(folder)) for file in metadata_files(node)]

    def _check_there(self) -> None:
        if not is_zarr(self.path):
            raise FileFormatError(f"{self.path}: no such folder of Zarr")

    def close(self) -> None:
        """Let the chunks go."""
        super().close()
        self._kept = None

    def _open(self) -> Any:
        folder = Path(self.path)
        import_zarr(self.path)
        with reading(self.path, "not a readable Zarr"):
            said = node_metadata(folder)
            if said["node_type"] == "array":
                name, chosen = "", folder
            else:
                arrays = {array.name: node_metadata(array) for array in _nodes(folder)}
                variables = [_variable(name, meta) for name, meta in arrays.items() if meta["node_type"] == "array"]
                name = choose_variable(self.path, variables, self.key, self.ndim, column_major=False).name
                said, chosen = arrays[name], folder / name
            array = _open_array(chosen, said, self.path)
        check_dtype(np.dtype(array.dtype), f"{self.path}:{name}")
        self._order = self._find_order(array)
        self._said = dict(array.attrs)
        self._missing = self._find_missing()
        return array

    def _find_missing(self) -> list[float]:
        """Values that stand for "not measured". NaN is one in any case, and the first only if there is no other."""
        said = [(name, self._said[name]) for name in ("_FillValue", "missing_value") if name in self._said]
        values = [
            decode_missing(value, f"{self.path}: {name}")
            for name, given in said
            for value in (given if isinstance(given, list) else [given])
        ]
        return sorted(dict.fromkeys(values), key=math.isnan)

    def _find_order(self, array: Any) -> Order:
        names = array.metadata.dimension_names
        if self.axes is not None:
            return named_order(self.axes, array.shape, self.ndim, self.path)
        roles = [None if name is None else role_of(str(name)) for name in names or ()]
        order = order_of(roles, array.shape, self.ndim)
        if order is None:
            called = f"dimensions called {', '.join(map(str, names))}" if names else "dimensions without names"
            raise DataError(
                f"{self.path}: an array of {'x'.join(map(str, array.shape))} with {called}; say which axis is which "
                "with axes='y x band' in the order of the shape"
            )
        return order

    def _describe(self) -> CubeInfo:
        array, order = self.handle(), self._order
        assert order is not None  # opening has set it
        shape = ordered_shape(array.shape, order)
        with reading(self.path, "its coordinates cannot be read"):
            centres, widths, good = (self._open_beside(name) for name in ("wavelength", "fwhm", "good_bands"))
            units = None if centres is None else centres.attrs.get("units")
            nm, fwhm = in_nanometres(_per_band(centres, shape[2]), _per_band(widths, shape[2]), units, self.path)
            flags = _per_band(good, shape[2])
            percent = reflectance_in([str(self._said.get("units", ""))], nm)
            scale, offset = check_scale(
                [percent * float(self._said.get("scale_factor", 1))] * shape[2],
                [percent * float(self._said.get("add_offset", 0))] * shape[2],
                self.path,
            )
            crs, transform = self._place(shape)
            return CubeInfo(
                shape=shape,
                dtype=np.dtype(array.dtype).newbyteorder("="),
                wavelengths=nm,
                fwhm=fwhm,
                good_bands=all_good() if flags is None else flags != 0,
                nodata=self._missing[0] if self._missing else None,
                crs=crs,
                transform=transform,
                name=self.path,
                scale=scale,
                offset=offset,
                reflectance=percent != 1,
            )

    def _gdals_crs(self) -> str | None:
        """WKT of the coordinate system as GDAL writes it: an attribute, or for all bands in a file beside them."""
        own, beside = self._said.get("_CRS"), Path(self.path, "pam.aux.xml")
        if isinstance(own, dict) or not beside.is_file():
            return own.get("wkt") if isinstance(own, dict) else None
        told = {element.text for element in read_xml(beside).findall("Array/SRS")}
        return told.pop() if len(told) == 1 else None

    def _along(self, axis: int) -> NDArray | None:
        """Coordinates along an axis: the array that has its name."""
        name = (self.handle().metadata.dimension_names or {axis: None})[axis]
        found = None if name is None or Path(name).name != name else self._open_beside(name)
        return None if found is None else np.asarray(found[...])

    def _open_beside(self, name: str) -> Any:
        """A coordinate that lies beside the array, or None."""
        folder = Path(self.path)
        if node_metadata(folder)["node_type"] == "array" or not metadata_files(folder / name):
            return None
        return _open_array(folder / name, node_metadata(folder / name), self.path)

    def _place(self, shape: tuple[int, int, int]) -> tuple[CRS | None, Affine | None]:
        """As rioxarray writes it, ``spatial_ref``; else GDAL's system and the even steps of the coordinates."""
        beside = self._open_beside("spatial_ref")
        said = {} if beside is None else dict(beside.attrs)
        text = said.get("crs_wkt") or said.get("spatial_ref") or self._gdals_crs()
        try:
            crs = CRS.from_wkt(text) if text else None
        except CRSError as error:
            raise DataError(f"{self.path}: its coordinate system cannot be read: {error}") from error
        numbers = [float(word) for word in str(said.get("GeoTransform", "")).split()]
        told = Affine.from_gdal(*numbers) if len(numbers) == 6 else None
        y, x = (self._along(axis) for axis in (self._order or ())[:2])
        if (crs is None and told is None) or x is None or y is None or (len(y), len(x)) != shape[:2]:
            return crs, told
        if min(shape[:2]) < 2 and told is None:
            return crs, None
        steps = (0.0, 0.0) if told is None else (told.a, told.e)
        across, down = (
            (places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else step
            for places, step in zip((x, y), steps, strict=True)
        )
        found = Affine(across, 0, x[0] - across / 2, 0, down, y[0] - down / 2)
        # A part of an array that xarray cut keeps the GeoTransform of the whole.
        return crs, told if told is not None and _same_place(told, found, shape) else found

    def _unit_bytes(self) -> int:
        array = self.handle()
        return int(np.prod(array.chunks)) * array.dtype.itemsize

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        array, order = self.handle(), self._order
        assert order is not None
        row, column, height, width = window
        count = 1 if order[2] is None else array.shape[order[2]]
        low, high = (0, count) if not bands else (min(bands), max(bands) + 1)
        wanted = {order[0]: (row, row + height), order[1]: (column, column + width)}
        if order[2] is not None:
            wanted[order[2]] = (low, high)
        exact = tuple(slice(*wanted.get(axis, (0, 1))) for axis in range(array.ndim))
        with reading(self.path, f"cannot read window {window}"):
            by_rows = width == ordered_shape(array.shape, order)[1]
            block = self._taken(array, exact, max(KEPT, available_memory() // SHARE) if by_rows else KEPT)
        cube = as_cube(block, order)
        if bands is not None:
            cube = cube[..., [band - low for band in bands]]
        return np.array(cube, dtype=array.dtype.newbyteorder("="), order="C", copy=True)

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        each = (holds_data(data, value) for value in self._missing[1:])
        present = [found for found in each if found is not None]
        return np.logical_and.reduce(present) if present else None

    def _taken(self, array: Any, exact: tuple[slice, ...], most: int) -> NDArray:
        """A part of the array, cut out of whole chunks; the last ones are kept if they take no more bytes."""
        if self._kept is None or not _holds(self._kept[0], exact):
            aligned = tuple(
                slice(part.start // chunk * chunk, min(-(-part.stop // chunk) * chunk, length))
                for part, chunk, length in zip(exact, array.chunks, array.shape, strict=True)
            )
            size = int(np.prod([part.stop - part.start for part in aligned])) * array.dtype.itemsize
            self._kept = None  # before the next ones take its place
            if size > most:
                return np.asarray(array[exact])
            self._kept = aligned, np.asarray(array[aligned])
        places, values = self._kept
        inner = (
            slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(exact, places, strict=True)
        )
        return values[tuple(inner)]


def _same_place(one: Affine, other: Affine, shape: tuple[int, int, int]) -> bool:
    """Whether the corners of a scene lie together, within a thousandth of a pixel."""
    height, width, _ = shape
    apart = np.abs(np.subtract(one[:6], other[:6])).reshape(2, 3) @ (width, height, 1)
    return bool(apart.max() <= 1e-3 * min(abs(other.a), abs(other.e)))


def _nodes(folder: Path) -> list[Path]:
    """Arrays and groups that lie in a group."""
    return [inner for inner in sorted(folder.glob("*")) if inner.is_dir() and metadata_files(inner)]


def _holds(whole: tuple[slice, ...], part: tuple[slice, ...]) -> bool:
    return all(w.start <= p.start and p.stop <= w.stop for w, p in zip(whole, part, strict=True))


def _per_band(array: Any, bands: int) -> NDArray[np.float64] | None:
    """Values of a coordinate that has one a band, or None."""
    return None if array is None or array.shape != (bands,) else np.asarray(array[...], dtype=np.float64)


def _own_files(folder: Path) -> Any:
    """A folder of which regular files alone are opened: a pipe in the place of a chunk would be waited for."""
    from zarr.storage import LocalStore

    class Files(LocalStore):
        async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
            path = self.root / key
            if path.exists() and not path.is_file():
                raise FileFormatError(f"{path}: is no file; expected a chunk")
            return await super().get(key, prototype, byte_range)

    return Files(folder, read_only=True)


def _open_array(folder: Path, said: dict[str, Any], path: str) -> Any:
    """An array whose metadata are known and looked at before zarr-python is asked."""
    from zarr import Array
    from zarr.core.array import AsyncArray
    from zarr.storage import StorePath

    _check_codecs(said.get("codecs", []), path)
    if said.get("fill_value") is None:  # as GDAL writes where there is no nodata; the standard wants a value
        said = {**said, "fill_value": False if said.get("data_type") == "bool" else 0}
    return bounded(Array(AsyncArray.from_dict(StorePath(_own_files(folder)), said)))


def _variable(name: str, said: dict[str, Any]) -> Variable:
    kind = str(said.get("data_type"))
    numeric = kind.rstrip("0123456789") in ("int", "uint", "float", "bool")
    return Variable(name, tuple(int(length) for length in said.get("shape", ())), kind, numeric)


def _check_codecs(codecs: object, path: str) -> None:
    """Refuse ways of packing that are not on the list, within shards too."""
    for codec in codecs if isinstance(codecs, list) else [codecs]:
        name = codec.get("name") if isinstance(codec, dict) else codec
        if name not in CODECS:
            known = ", ".join(sorted(CODECS))
            raise FileFormatError(f"{path}: packed by {name!r}, which is not read; expected {known}")
        settings = codec.get("configuration") if isinstance(codec, dict) else None
        for part in ("codecs", "index_codecs") if name == "sharding_indexed" else ():
            _check_codecs((settings or {}).get(part, []), path)
