"""PACE OCI L1B and L2: netCDF files in the sensor's geometry.

Layout: OB.DAAC's OCI L1B and L2 files. L1B has three detectors, (band, scan, pixel); two SWIR bands exist twice, with
standard and with high gain, of which the first counts. L2 has one cube with the wavelengths ``wavelength_3d``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.acquired import utc_time
from mmhsi.io.doubts import doubt
from mmhsi.io.products.base import Detector, Hdf5Product, Layer, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet

if TYPE_CHECKING:
    import h5py

    from mmhsi.io.cube_options import CubeOptions

_DETECTORS = ("blue", "red", "SWIR")
_CUBES = ("rhos", "Rrs")


@register_product
class PACE(Hdf5Product):
    """PACE OCI L1B (top of atmosphere reflectance) and L2 (rhos or Rrs)."""

    title = "PACE OCI"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """Top of atmosphere reflectance of L1B, or a spectral cube of L2."""
        return "observation_data/rhot_blue" in content or (
            "sensor_band_parameters/wavelength_3d" in content
            and any(f"geophysical_data/{name}" in content for name in _CUBES)
        )

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands and, of L2, the flags."""
        doubt(self.path, "place", "PACE OCI is in the sensor's geometry; maps will have no place")
        with Content(self.file, self.title) as content:
            if content.has("observation_data/rhot_blue"):
                nodata = content.maybe_number("_FillValue", "observation_data/rhot_blue")
                detectors = [self._detector(content, name) for name in _DETECTORS]
                acquired = utc_time(content.maybe_text("time_coverage_start"))
                return ProductCube(detectors, nodata, acquired=acquired, reflectance=True)
            return self._level_2(content)

    def _detector(self, content: Content, name: str) -> Detector:
        nm = content.values(f"sensor_band_parameters/{name}_wavelength")
        first = np.concatenate([[True], np.diff(nm) > 0])
        return Detector(DataSet(self.file, f"observation_data/rhot_{name}", "band y x"), nm, good=first)

    def _level_2(self, content: Content) -> ProductCube:
        cube = next(f"geophysical_data/{name}" for name in _CUBES if content.has(f"geophysical_data/{name}"))
        scale, offset, nodata = (
            content.maybe_number(name, cube) for name in ("scale_factor", "add_offset", "_FillValue")
        )
        detector = Detector(
            DataSet(self.file, cube, "y x band"),
            content.values("sensor_band_parameters/wavelength_3d"),
            scale=1.0 if scale is None else scale,
            offset=0.0 if offset is None else offset,
        )
        layers = {}
        flags = "geophysical_data/l2_flags"
        if content.has(flags):
            names = content.text("flag_meanings", flags).split()
            masks = content.numbers("flag_masks", flags).astype(np.int64)
            if "CLDICE" in names and len(names) == len(masks):
                layers["cloud"] = [Layer(DataSet(self.file, flags, "y x"), bits=int(masks[names.index("CLDICE")]))]
        acquired = utc_time(content.maybe_text("time_coverage_start"))
        reflectance = cube.endswith("/rhos")  # Rrs is in 1/sr
        return ProductCube([detector], nodata, layers=layers, acquired=acquired, reflectance=reflectance)
