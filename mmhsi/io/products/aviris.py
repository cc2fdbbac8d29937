"""AVIRIS-3 and AVIRIS-NG in netCDF: a group ``reflectance`` or ``radiance`` with its cube (band, row, column).

Layout: JPL's AVIRIS-3 L1B and L2A files; eastings and northings of pixel centres stand at the root, the system's text
in ``transverse_mercator``. Files in ENVI's format, as AVIRIS-NG's older ones, are read as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.doubts import doubt
from mmhsi.io.files import reading
from mmhsi.io.products.base import Detector, Hdf5Product, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet

if TYPE_CHECKING:
    import h5py

    from mmhsi.io.options import CubeOptions

_CUBES = ("reflectance/reflectance", "radiance/radiance")
_SYSTEM = "transverse_mercator"


@register_product
class AVIRIS(Hdf5Product):
    """AVIRIS-3 and AVIRIS-NG reflectance and radiance in netCDF."""

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
            crs, transform = self._place(content)
        reader = DataSet(self.file, cube, "band y x")
        return ProductCube([Detector(reader, nm, None, fwhm)], nodata, crs, transform)

    def _place(self, content: Content) -> tuple[CRS | None, Affine | None]:
        if not (content.has("easting") and content.has("northing") and content.has(_SYSTEM)):
            doubt(self.path, "place", "AVIRIS in the sensor's geometry; maps will have no place (…_ORT.nc has)")
            return None, None
        east, north = content.values("easting"), content.values("northing")
        steps = [np.diff(axis) for axis in (east, north)]
        if any(step.size == 0 or np.ptp(step) > 1e-3 * abs(step[0]) for step in steps):
            raise FileFormatError(f"{self.path}: AVIRIS: eastings or northings are not evenly spaced")
        dx, dy = (float(step.mean()) for step in steps)
        name = "crs_wkt" if content.maybe("crs_wkt", _SYSTEM) is not None else "spatial_ref"
        with reading(self.path, f"AVIRIS: {name} of {_SYSTEM} is no coordinate system"):
            crs = CRS.from_wkt(content.text(name, _SYSTEM))
        return crs, Affine(dx, 0, east[0] - dx / 2, 0, dy, north[0] - dy / 2)
