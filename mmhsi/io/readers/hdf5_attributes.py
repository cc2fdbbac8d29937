"""What an HDF5 or netCDF-4 file says of a data set: missing values, scale, wavelengths, and its place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h5py
import numpy as np
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube import holds_data
from mmhsi.io.doubts import doubt
from mmhsi.io.readers.band_lists import CENTRES, GOOD, WIDTHS
from mmhsi.io.readers.hdf5_content import axis_scales, reached, text_of, walk
from mmhsi.io.readers.scaling import reflectance_in
from mmhsi.io.wavelengths import in_nanometres

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.axes import Order

_MISSING = {
    name: place
    for place, name in enumerate(
        (
            "_fillvalue",
            "missing_value",
            "fillvalue",
            "fill_value",
            "nodata",
            "no_data",
            "nodata_value",
            "data_ignore_value",
        )
    )
}
"""Names, in lower case, of attributes that say which values are missing, in their order."""
_LONGEST = 1 << 16
"""Entries of an axis or list that are read as metadata."""


@dataclass(frozen=True)
class Declared:
    """What a file says of a data set.

    Attributes:
        nodata: Values that stand for "not measured", the first of them told to everybody.
        low: Smallest value that counts, or None.
        high: Largest value that counts, or None.
        scale: What stored values are multiplied with.
        offset: What is then added.
        wavelengths: (C,) nm, or None.
        fwhm: (C,) nm, or None.
        good_bands: (C,) bool, or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to coordinates, or None.
        reflectance: Whether scaled values are reflectance.
    """

    nodata: list[float] = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    reflectance: bool = False

    def mask(self, data: NDArray) -> NDArray[np.bool_] | None:
        """Where values count, beside the first nodata value.

        Args:
            data: Stored values (h, w, c).
        """
        if len(self.nodata) < 2 and self.low is None and self.high is None:
            return None
        mask = np.ones(data.shape, dtype=bool)
        for value in self.nodata[1:]:
            present = holds_data(data, value)
            if present is not None:
                mask &= present
        if self.low is not None:
            mask &= data >= self.low
        if self.high is not None:
            mask &= data <= self.high
        return mask


def declared(file: h5py.File, name: str, order: Order, path: str) -> Declared:
    """Collect what a file says of a data set, by the CF conventions and by the names that sensors' products use.

    Args:
        file: Open.
        name: The data set.
        order: Its axes.
        path: The file, for the messages.
    """
    dataset = file[name]
    nodata = list(dict.fromkeys(value for name in _missing_names(dataset) for value in _numbers(dataset, name, path)))
    limits = _numbers(dataset, "valid_range", path)
    low, high = limits if len(limits) == 2 else (None, None)
    low = next(iter(_numbers(dataset, "valid_min", path)), low)
    high = next(iter(_numbers(dataset, "valid_max", path)), high)
    if low is not None and high is not None and low > high:
        raise DataError(f"{path}: {dataset.name} says that values from {low:g} to {high:g} are valid; mend the file")
    if text_of(dataset.attrs.get("_Unsigned", "")).lower() == "true" and dataset.dtype.kind == "i":
        raise DataError(f"{path}: {dataset.name} says _Unsigned of {dataset.dtype}; store it as an unsigned type")
    for name in dataset.attrs:
        if name != "scale_factor" and name.lower() in ("scale", "scale_factor", "scalefactor", "scaling_factor"):
            doubt(
                path, "scale", f"{dataset.name} says {name}, which may multiply or divide; only scale_factor is applied"
            )
    bands = 1 if order[2] is None else dataset.shape[order[2]]
    lists = _lists(file)
    centres, widths, good = (_beside(lists, dataset, names, bands, order[2], path) for names in (CENTRES, WIDTHS, GOOD))
    units = None if centres is None else text_of(centres.attrs.get("units", "")) or None
    wavelengths, fwhm = in_nanometres(_values(centres), _values(widths), units, path)
    transform = _transform(dataset, order, path)
    percent = reflectance_in([text_of(dataset.attrs.get("units", ""))], wavelengths)
    return Declared(
        nodata,
        low,
        high,
        percent * _one(dataset, "scale_factor", path, 1.0),
        percent * _one(dataset, "add_offset", path, 0.0),
        wavelengths,
        fwhm,
        None if good is None else np.asarray(good[()]).ravel() != 0,
        None if transform is None else _crs(dataset, order),
        transform,
        reflectance=percent != 1,
    )


def _missing_names(dataset: h5py.Dataset) -> list[str]:
    """Attributes that say which values are missing, CF's first."""
    return sorted((name for name in dataset.attrs if name.lower() in _MISSING), key=lambda name: _MISSING[name.lower()])


def _numbers(dataset: h5py.Dataset, name: str, path: str) -> list[float]:
    """An attribute's numbers, also where it has them as texts; none where it is not there or is empty.

    Raises:
        DataError: It says something else, which would go unheard.
    """
    given = dataset.attrs.get(name, [])
    if isinstance(given, h5py.Empty) or (isinstance(given, str | bytes) and not given.strip()):
        return []
    try:
        return [float(value) for value in np.asarray(given).ravel()[:16].tolist()]
    except (TypeError, ValueError):
        said = str(given)[:60]
        raise DataError(f"{path}: {dataset.name} says {name} = {said!r}, expected a number; mend the file") from None


def _one(dataset: h5py.Dataset, name: str, path: str, default: float) -> float:
    """The number that holds for all values.

    Raises:
        DataError: There are several, or it is none to reckon with.
    """
    given = set(_numbers(dataset, name, path)) or {default}
    if len(given) > 1 or not all(map(math.isfinite, given)):
        raise DataError(f"{path}: {dataset.name} says {name} = {sorted(given)}, expected one number for all values")
    return given.pop()


def _values(dataset: h5py.Dataset | None) -> NDArray[np.float64] | None:
    return None if dataset is None else np.asarray(dataset[()], dtype=np.float64).ravel()


def check_storage(dataset: h5py.Dataset, where: str) -> None:
    """Refuse values that lie in other files, and packed chunks that are larger than the chunk itself.

    HDF5 unpacks whatever such a chunk holds, however much that is.

    Args:
        dataset: The data set.
        where: File and name, for the messages.

    Raises:
        FileFormatError: A chunk is too large.
        DataError: The values lie in other files.
    """
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{where} keeps its values in other files; copy them into this one")
    if dataset.chunks is None:
        return
    unpacked = math.prod(dataset.chunks) * dataset.dtype.itemsize
    most = unpacked + unpacked // 64 + 1024  # what cannot be packed grows a little
    sizes: list[int] = []
    dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size))
    if max(sizes, default=0) > most:
        raise FileFormatError(f"{where} has a chunk of {max(sizes)} bytes for {unpacked} bytes; the file is damaged")


def _lists(file: h5py.File) -> list[h5py.Dataset]:
    """All short numeric data sets of one axis, by whatever name."""
    found: list[h5py.Dataset] = []
    for _, item in walk(file):
        if not isinstance(item, h5py.Dataset) or not item.shape or item.dtype.kind not in "biuf":
            continue
        if 0 < item.size == max(item.shape) <= _LONGEST and item.size * 8 >= math.prod(item.chunks or (1,)):
            found.append(item)
    return found


def _beside(
    lists: list[h5py.Dataset], dataset: h5py.Dataset, names: tuple[str, ...], bands: int, axis: int | None, path: str
) -> h5py.Dataset | None:
    """The list of one value a band with one of some names: the band axis's own, that of the group, or the only one."""
    if axis is None:
        return None
    fitting = [
        item
        for item in lists
        if item.size == bands and (item.name or "").rpartition("/")[2].lower() in names and item != dataset
    ]
    near = [item for item in fitting if item in axis_scales(dataset, axis)]
    near = near or [item for item in fitting if item.parent == dataset.parent]
    near = near or fitting
    if len(near) != 1:
        return None
    check_storage(near[0], f"{path}: {near[0].name}")
    return near[0]


def _transform(dataset: h5py.Dataset, order: Order, path: str) -> Affine | None:
    """From evenly spaced coordinates of rows and columns, which are those of the pixels' centres."""
    steps = []
    for axis in order[:2]:
        scales = [item for item in axis_scales(dataset, axis) if item.shape == (dataset.shape[axis],)]
        if not scales or scales[0].dtype.kind not in "iuf" or not 2 <= scales[0].size <= 1 << 20:
            return None
        if text_of(scales[0].attrs.get("NAME", "")).startswith("This is a netCDF dimension but not"):
            return None
        values = np.asarray(scales[0][()], dtype=np.float64)
        gaps = np.diff(values)
        if not np.isfinite(values).all() or gaps[0] == 0 or np.abs(gaps - gaps[0]).max() > abs(gaps[0]) * 1e-2:
            if not np.array_equal(values, np.zeros(len(values))):
                doubt(path, "place", "its coordinates are not evenly spaced; maps of it will have no place")
            return None
        steps.append((values[0], (values[-1] - values[0]) / (len(values) - 1)))
    (y0, dy), (x0, dx) = steps
    found = Affine(dx, 0, x0 - dx / 2, 0, dy, y0 - dy / 2)
    return None if (x0, dx, y0, dy) == (0, 1, 0, 1) else found  # plain numbers of pixels are no place


def _crs(dataset: h5py.Dataset, order: Order) -> CRS | None:
    """From the grid mapping; latitude and longitude are WGS 84."""
    mapping = reached(dataset.parent, text_of(dataset.attrs.get("grid_mapping", "")))
    if mapping is not None:
        attributes = mapping.attrs
        for well_known in ("crs_wkt", "spatial_ref"):
            if well_known in attributes:
                return CRS.from_user_input(text_of(attributes[well_known]))
    units = [
        text_of(scale.attrs.get("units", "")).strip().casefold()
        for axis in order[:2]
        for scale in axis_scales(dataset, axis)
    ]
    names = [
        (scale.name or "").rpartition("/")[2].lower() for axis in order[:2] for scale in axis_scales(dataset, axis)
    ]
    geographic = {"degrees_north", "degrees_east"} <= set(units) or (
        any(name in ("lat", "latitude") for name in names) and any(name in ("lon", "longitude") for name in names)
    )
    return CRS.from_epsg(4326) if geographic else None
