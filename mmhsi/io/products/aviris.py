"""AVIRIS-3, -5 and -NG in netCDF: a group ``reflectance`` or ``radiance`` with its cube (band, row, column).

Layout: JPL's L1B and L2A files; eastings and northings of pixel centres stand at the root or beside the lookup table,
the system's text in ``transverse_mercator``. L2A lies on the map grid. L1B is as the sensor saw it, with a lookup table
of samples and lines from 1. Files in ENVI's format, as AVIRIS-NG's older ones, are read as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.acquired import utc_time
from mmhsi.io.doubts import doubt
from mmhsi.io.files import reading
from mmhsi.io.products.base import Detector, Hdf5Product, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet
from mmhsi.io.products.lookup import LookedUpReader

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

    from mmhsi.io.cube_options import CubeOptions
    from mmhsi.io.readers.base import CubeReader

_CUBES = ("reflectance/reflectance", "radiance/radiance")
_SYSTEM = "transverse_mercator"
_LOOKUP = "geolocation_lookup_table"
_FILL = -9999.0


@register_product
class AVIRIS(Hdf5Product):
    """AVIRIS-3, -5 and -NG reflectance and radiance in netCDF."""

    title = "AVIRIS"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """A group that holds a cube of its own name and its wavelengths."""
        return any(cube in content and f"{cube.split('/')[0]}/wavelength" in content for cube in _CUBES)

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands and place."""
        with Content(self.file, self.title) as content:
            cube = next(name for name in _CUBES if content.has(name))
            group = cube.split("/")[0]
            nm, fwhm = content.values(f"{group}/wavelength"), None
            if content.has(f"{group}/fwhm"):
                fwhm = content.values(f"{group}/fwhm")
            nodata = content.maybe_number("_FillValue", cube)
            reader, crs, transform = self._on_grid(content, cube, nodata, options.ortho)
            acquired = utc_time(content.maybe_text("time_coverage_start"))
        detector, reflectance = Detector(reader, nm, None, fwhm), group == "reflectance"
        return ProductCube([detector], nodata, crs, transform, acquired=acquired, reflectance=reflectance)

    def _on_grid(
        self, content: Content, cube: str, nodata: float | None, ortho: bool
    ) -> tuple[CubeReader, CRS | None, Affine | None]:
        """The cube and its place: on the map grid, brought there by a lookup table, or as the sensor saw it."""
        reader: CubeReader = DataSet(self.file, cube, "band y x")
        axes = [self._axis(content, name) for name in ("easting", "northing")]
        if not content.has(_SYSTEM) or any(axis.size < 2 for axis in axes):
            doubt(self.path, "place", "AVIRIS in the sensor's geometry; maps will have no place (…_ORT.nc has)")
            return reader, None, None
        (east, north), steps = axes, [np.diff(axis) for axis in axes]
        if any(np.ptp(step) > 1e-3 * abs(step[0]) for step in steps):
            raise FileFormatError(f"{self.path}: AVIRIS: eastings or northings are not evenly spaced")
        shape = north.size, east.size
        if content.file[cube].shape[1:] != shape:
            tables = [f"{_LOOKUP}/{name}" for name in ("sample", "line")]
            if any(not content.has(name) or content.file[name].shape != shape for name in tables):
                raise FileFormatError(f"{self.path}: AVIRIS: {cube} does not fit the grid of {shape[0]} x {shape[1]}")
            if not ortho:
                doubt(self.path, "place", "AVIRIS with ortho=False has the sensor's geometry; maps will have no place")
                return reader, None, None
            columns, rows = (DataSet(self.file, name, "y x") for name in tables)
            reader = LookedUpReader(self.path, reader, columns, rows, _FILL if nodata is None else nodata)
        dx, dy = (float(step.mean()) for step in steps)
        name = "crs_wkt" if content.maybe("crs_wkt", _SYSTEM) is not None else "spatial_ref"
        with reading(self.path, f"AVIRIS: {name} of {_SYSTEM} is no coordinate system"):
            crs = CRS.from_wkt(content.text(name, _SYSTEM))
        return reader, crs, Affine(dx, 0, east[0] - dx / 2, 0, dy, north[0] - dy / 2)

    def _axis(self, content: Content, name: str) -> NDArray[np.float64]:
        """Centres of the grid's columns or rows, at the root or beside the lookup table; empty where there are none."""
        found = next((key for key in (name, f"{_LOOKUP}/{name}") if content.has(key)), None)
        return np.empty(0) if found is None else content.values(found)
