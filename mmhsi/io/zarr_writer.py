"""Cubes as Zarr, version 3: one chunked array with its coordinates beside it, as xarray and rioxarray read them."""

from __future__ import annotations

import shutil
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import make_folder, sync, writing
from mmhsi.io.zarr_missing import encode_missing

if TYPE_CHECKING:
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

    from mmhsi.io.cube import HSICube

VARIABLE = "cube"
"""Name of the array."""


def import_zarr(path: str | PathLike[str]) -> Any:
    """zarr-python, which need not be installed.

    Args:
        path: What it is needed for.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise ConfigError(f"{path}: Zarr needs zarr-python; pip install 'mmhsi[zarr]'") from error
    return zarr


class ZarrWriter:
    """Write a cube by rows. The folder appears under its name when the ``with`` block ends well and all rows are there.

    Args:
        path: The folder, which must not exist unless it is a Zarr one.
        shape: (H, W, C).
        dtype: Of the values.
        nodata: The value that stands for "nothing here", or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        chunk: Side in pixels of a chunk, which holds all bands. Default 64.
        bands: Coordinates along the bands by name, such as ``wavelength`` in nm, (C,) each. Default: none.

    Raises:
        ConfigError: zarr is not installed.
        DataError: Another thing lies at the path.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        shape: tuple[int, int, int],
        dtype: np.dtype,
        nodata: float | None = None,
        crs: CRS | None = None,
        transform: Affine | None = None,
        chunk: int = 64,
        bands: dict[str, NDArray] | None = None,
    ) -> None:
        self._zarr = import_zarr(path)
        self.path = Path(path)
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.nodata = nodata
        self.crs = crs
        self.transform = transform
        self.chunk = chunk
        self.bands = dict(bands or {})
        self._rows = np.zeros(shape[0], dtype=bool)
        if self.path.exists() and not (self.path / "zarr.json").is_file():
            raise DataError(f"{self.path}: is there and no Zarr of version 3; give another name")

    def __enter__(self) -> Self:
        self._temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:12]}.tmp")
        with writing(self.path), ExitStack() as stack:
            stack.callback(shutil.rmtree, self._temporary, ignore_errors=True)
            make_folder(self.path.parent)
            group = self._zarr.open_group(self._temporary, mode="w", zarr_format=3)
            height, width, count = self.shape
            missing = encode_missing(self.nodata, self.dtype)
            said: dict[str, Any] = {} if missing is None else {"_FillValue": missing}
            placed = self.crs is not None or self.transform is not None
            if placed:
                said["grid_mapping"] = "spatial_ref"
            if self.bands or placed:
                said["coordinates"] = " ".join([*self.bands, *["spatial_ref"] * placed])
            self._array = group.create_array(
                VARIABLE,
                shape=(count, height, width),  # as GDAL and rioxarray have it: rows and columns last
                chunks=(count, min(self.chunk, height), min(self.chunk, width)),
                dtype=self.dtype,
                dimension_names=("band", "y", "x"),
                attributes=said,
            )
            self._coordinates(group)
            stack.pop_all()  # it goes when the block ends
        return self

    def write(self, first: int, values: NDArray) -> None:
        """Write some rows, whole chunks at a time where they are to be fast.

        Args:
            first: First row.
            values: Shape (rows, W, C).

        Raises:
            DataError: The disk refuses.
        """
        with writing(self.path):
            if self.dtype == np.float16:
                most = float(np.finfo(np.float16).max)
                values = values.clip(-most, most)
            self._array[:, first : first + len(values)] = values.transpose(2, 0, 1).astype(self.dtype, copy=False)
        self._rows[first : first + len(values)] = True

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        earlier = self._temporary.with_suffix(".old")
        try:
            if exc_type is not None:
                return
            if not self._rows.all():
                raise DataError(f"{self.path}: {int((~self._rows).sum())} of {len(self._rows)} rows were not written")
            with writing(self.path):
                for part in sorted(self._temporary.rglob("*"), reverse=True):  # what is in a folder before it
                    sync(part)
                sync(self._temporary)
                if self.path.exists():  # ours, as the constructor has seen; half of it is never there
                    self.path.rename(earlier)
                self._temporary.rename(self.path)
                sync(self.path.parent)
        finally:
            for folder in (earlier, self._temporary):
                shutil.rmtree(folder, ignore_errors=True)

    def _coordinates(self, group: Any) -> None:
        """What lies along the axes, and the place."""
        height, width, _ = self.shape
        if self.transform is not None and self.transform.b == self.transform.d == 0:  # a turned grid has none a row
            across = self.transform.c + self.transform.a * (np.arange(width) + 0.5)
            down = self.transform.f + self.transform.e * (np.arange(height) + 0.5)
            for name, places in (("x", across), ("y", down)):
                group.create_array(name, data=places, dimension_names=(name,))
        for name, values in self.bands.items():
            units = {"units": "nm"} if name in ("wavelength", "fwhm") else {}
            group.create_array(name, data=np.asarray(values), dimension_names=("band",), attributes=units)
        if self.crs is not None or self.transform is not None:
            place = {} if self.crs is None else {"crs_wkt": self.crs.to_wkt()}
            if self.transform is not None:
                place["GeoTransform"] = " ".join(repr(float(number)) for number in self.transform.to_gdal())
            group.create_array("spatial_ref", data=np.array(0), dimension_names=(), attributes=place)


def write_zarr(path: str | PathLike[str], cube: HSICube, chunk: int = 64) -> None:
    """Write a cube as a folder of Zarr's version 3 that :func:`mmhsi.io.open_cube` reads back unchanged.

    Args:
        path: The folder; those above it are created.
        cube: The cube, without a mask.
        chunk: Side in pixels of a chunk, which holds all bands. Default 64.

    Raises:
        ConfigError: zarr is not installed.
        DataError: It cannot be written, its values are no real numbers, or it has a mask, which has no place here.
    """
    if cube.data.dtype.kind not in "biuf":
        raise DataError(f"{path}: cannot write values of type {cube.data.dtype}; expected real numbers")
    if cube.mask is not None:
        raise DataError(f"{path}: a cube with a mask cannot be written as Zarr; give it a nodata value, or write .tif")
    bands: dict[str, NDArray] = {"good_bands": cube.good_bands}
    bands.update({} if cube.wavelengths is None else {"wavelength": cube.wavelengths})
    bands.update({} if cube.fwhm is None else {"fwhm": cube.fwhm})
    height, width, count = cube.data.shape
    shape = (height, width, count)
    with ZarrWriter(path, shape, cube.data.dtype, cube.nodata, cube.crs, cube.transform, chunk, bands) as writer:
        for row in range(0, height, chunk):
            writer.write(row, cube.data[row : row + chunk])
