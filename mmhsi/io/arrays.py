"""Cubes that are given as arrays, and given back as such: NumPy's and xarray's, which need not be installed.

Places follow the CF conventions as rioxarray writes and reads them: coordinates ``x`` and ``y`` of the pixels' centres,
and ``spatial_ref`` with ``crs_wkt`` and ``GeoTransform``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.axes import as_cube, named_order
from mmhsi.io.cube import HSICube, all_good
from mmhsi.io.selection import check_window, shift_transform
from mmhsi.io.wavelengths import in_nanometres

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    from numpy.typing import NDArray

_DIMENSIONS = {
    "y": ("y", "row", "rows", "lat", "latitude", "northing"),
    "x": ("x", "column", "columns", "col", "lon", "longitude", "easting"),
    "band": ("band", "wavelength", "bands", "wavelengths"),
}
_UNEVEN = 1e-3
"""Share of a step by which the places of pixels may differ from even ones."""


def is_path(given: object) -> TypeGuard[str | PathLike[str]]:
    """Whether something names a file.

    Args:
        given: What a person gave.
    """
    return isinstance(given, str) or hasattr(given, "__fspath__")


def cube_of(given: Any, name: str = "cube", axes: str | None = None) -> HSICube:
    """A cube of what a person has in memory; its values are not copied.

    Args:
        given: A :class:`HSICube`; an array (H, W, C), or one with `axes`, whose masked values, if it is of
            :mod:`numpy.ma`, hold no data; or an xarray ``DataArray`` with dimensions
            y, x and band by these or other usual names, in any order. Of its coordinates ``wavelength`` (nm, or as its
            attribute ``units`` says), ``fwhm``, ``good_bands``, ``y``, ``x`` and ``spatial_ref`` count, and of its
            attributes ``_FillValue``.
        name: Of the cube, for messages.
        axes: Axes of a NumPy array, such as ``"band y x"``. Default: ``"y x band"``.

    Raises:
        DataError: It is nothing of this kind, or its coordinates are not evenly spaced.
    """
    if isinstance(given, HSICube):
        return given
    if hasattr(given, "dims") and hasattr(given, "coords"):
        if axes is not None:
            raise DataError(f"{name}: axes={axes!r} given for a DataArray, which names its own")
        return _of_xarray(given, name)
    array, masked = np.asarray(given), np.ma.getmaskarray(given) if np.ma.is_masked(given) else None
    if array.dtype.kind not in "biuf" or array.ndim != 3:
        raise DataError(f"{name}: {array.dtype} of shape {array.shape} given, expected numbers (H, W, C)")
    order = None if axes is None else named_order(axes, array.shape, 3, name)
    if order is not None:
        array, masked = as_cube(array, order), None if masked is None else as_cube(masked, order)
    return HSICube(array, name=name, mask=None if masked is None else ~masked)


def label_map_of(array: Any, name: str = "labels") -> HSICube:
    """A map of labels, a ``DataArray`` with dimensions y and x, as a cube of one band with its place.

    Args:
        array: The map.
        name: Of the map, for messages.

    Raises:
        DataError: As of :func:`cube_of`.
    """
    return _of_xarray(array.expand_dims("band"), name)


def cut_cube(cube: HSICube, window: Sequence[int] | None, bands: Iterable[int] | None) -> HSICube:
    """A window and some bands of a cube in memory; its values are not copied where that can be.

    Args:
        cube: The cube.
        window: (row0, col0, height, width) in pixels; None for all.
        bands: 0-based bands in the order wanted; None for all.

    Raises:
        DataError: They do not lie inside the cube.
    """
    if bands is not None:
        cube = cube.select_bands(bands)
    if window is None:
        return cube
    row, column, height, width = check_window(window, cube.data.shape[0], cube.data.shape[1], cube.name)
    part = (slice(row, row + height), slice(column, column + width))
    mask = None if cube.mask is None else cube.mask[part]
    return replace(cube, data=cube.data[part], transform=shift_transform(cube.transform, row, column), mask=mask)


def _of_xarray(array: Any, name: str) -> HSICube:
    found = {axis: next((dim for dim in array.dims if dim in names), None) for axis, names in _DIMENSIONS.items()}
    if None in found.values() or len(array.dims) != 3:
        raise DataError(f"{name}: a DataArray with dimensions {tuple(array.dims)} given, expected y, x and band")
    values = np.asarray(array.transpose(*found.values()).values)
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name}: a DataArray of {values.dtype} given, expected numbers")

    def per_band(word: str) -> NDArray | None:
        coordinate = array.coords.get(word)
        if coordinate is None or coordinate.dims != (found["band"],):
            return None
        return np.asarray(coordinate.values)

    nm, fwhm = per_band("wavelength"), per_band("fwhm")
    if nm is not None:
        nm, fwhm = in_nanometres(nm, fwhm, array.coords["wavelength"].attrs.get("units"), name)
    good = per_band("good_bands")
    nodata = array.attrs.get("_FillValue", array.encoding.get("_FillValue"))
    crs = _crs_of(array, name)
    placed = crs is not None or "spatial_ref" in array.coords
    return HSICube(
        values,
        nm,
        fwhm,
        all_good() if good is None else good.astype(bool),
        None if nodata is None else float(nodata),
        crs,
        _transform_of(array, found["y"], found["x"], name) if placed else None,
        str(array.name or name),
    )


def _crs_of(array: Any, name: str) -> CRS | None:
    coordinate = array.coords.get(array.attrs.get("grid_mapping", array.encoding.get("grid_mapping", "spatial_ref")))
    words = {} if coordinate is None else coordinate.attrs
    text = words.get("crs_wkt") or words.get("spatial_ref")
    if not text:
        return None
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise DataError(f"{name}: its coordinate system cannot be read: {error}") from error


def _transform_of(array: Any, y: Any, x: Any, name: str) -> Affine | None:
    """From the centres of the pixels; where an axis has one pixel alone, or none of its own, from GeoTransform."""
    if y in array.coords and x in array.coords and min(array.sizes[y], array.sizes[x]) > 1:
        lines = []
        for axis in (x, y):
            places = np.asarray(array.coords[axis].values, dtype=np.float64)
            step = (places[-1] - places[0]) / (len(places) - 1)
            even = places[0] + step * np.arange(len(places))
            if not step or not (np.abs(places - even) <= _UNEVEN * abs(step)).all():
                raise DataError(f"{name}: its coordinate {axis} is not evenly spaced; resample it to a grid first")
            lines.append((step, places[0] - step / 2))
        (across, left), (down, top) = lines
        return Affine(across, 0, left, 0, down, top)
    coordinate = array.coords.get("spatial_ref")
    text = "" if coordinate is None else coordinate.attrs.get("GeoTransform", "")
    numbers = [float(word) for word in text.split()]
    return Affine.from_gdal(*numbers) if len(numbers) == 6 else None


def to_xarray(
    values: NDArray,
    crs: CRS | None = None,
    transform: Affine | None = None,
    bands: dict[str, NDArray] | None = None,
    nodata: float | None = None,
    name: str | None = None,
) -> Any:
    """A ``DataArray`` of values on a grid.

    Args:
        values: (H, W) or (H, W, C).
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        bands: Coordinates along the third axis, by name. Default: none.
        nodata: The value that stands for "not measured", or None.
        name: Of the array.

    Raises:
        ConfigError: xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ConfigError("to_xarray: xarray is not installed; pip install xarray") from error
    height, width = values.shape[:2]
    coords: dict[str, Any] = {word: ("band", column) for word, column in (bands or {}).items()}
    if "wavelength" in coords:
        coords["wavelength"] = (*coords["wavelength"], {"units": "nm"})
    if transform is not None and transform.b == transform.d == 0:  # a turned grid has no place a row
        coords["x"] = ("x", transform.c + transform.a * (np.arange(width) + 0.5))
        coords["y"] = ("y", transform.f + transform.e * (np.arange(height) + 0.5))
    attributes: dict[str, Any] = {} if nodata is None else {"_FillValue": nodata}
    if crs is not None or transform is not None:
        said = {} if crs is None else {"crs_wkt": crs.to_wkt()}
        if transform is not None:
            said["GeoTransform"] = " ".join(repr(float(number)) for number in transform.to_gdal())
        coords["spatial_ref"] = ((), 0, said)
        attributes["grid_mapping"] = "spatial_ref"
    dims = ("y", "x", "band")[: values.ndim]
    return xarray.DataArray(values, dims=dims, coords=coords, attrs=attributes, name=name)
