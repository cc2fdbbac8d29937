"""EMIT L2A: reflectance in the sensor's geometry with a lookup table to the map grid; the masks are a second file.

Layout: NASA/JPL's EMIT L2A files; ``location/glt_x`` and ``glt_y`` count from 1, 0 shows nothing.
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
from mmhsi.io.products.base import Detector, Hdf5Product, Layer, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet
from mmhsi.io.products.lookup import LookedUpReader
from mmhsi.io.readers.hdf5_opening import open_hdf5

if TYPE_CHECKING:
    from pathlib import Path

    import h5py

    from mmhsi.io.cube_options import CubeOptions
    from mmhsi.io.readers.base import CubeReader

_NODATA = -9999.0
_MASKS = {"cloud": ("cloud flag", "dilated cloud flag"), "cirrus": ("cirrus flag",)}


@register_product
class EMIT(Hdf5Product):
    """EMIT L2A surface reflectance."""

    title = "EMIT"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """A file with EMIT's groups and lookup table."""
        return "location/glt_x" in content and "sensor_band_parameters" in content

    def is_companion(self) -> bool:
        """Masks and uncertainties lie beside the reflectance in a folder."""
        with open_hdf5(self.file) as content:
            return "reflectance" not in content

    def describe(self, options: CubeOptions) -> ProductCube:
        """Reflectance on the map grid, or as the sensor saw it, with its masks."""
        with Content(self.file, self.title) as content:
            if not content.has("reflectance"):
                raise FileFormatError(
                    f"{self.path}: EMIT: holds no reflectance (level 1B, a mask or an uncertainty?); expected "
                    "EMIT_L2A_RFL_….nc"
                )
            nm = content.values("sensor_band_parameters/wavelengths")
            fwhm = content.values("sensor_band_parameters/fwhm")
            good = np.ones(nm.size)
            if content.has("sensor_band_parameters/good_wavelengths"):
                good = content.values("sensor_band_parameters/good_wavelengths")
            acquired = utc_time(content.maybe_text("time_coverage_start"))
            crs, transform = None, None
            if options.ortho:
                x, dx, rx, y, ry, dy = content.numbers("geotransform")[:6]
                transform = Affine(dx, rx, x, ry, dy, y)
                with reading(self.path, "EMIT: spatial_ref is no coordinate system"):
                    crs = CRS.from_wkt(content.text("spatial_ref"))
            else:
                doubt(self.path, "place", "EMIT with ortho=False is in the sensor's geometry; maps will have no place")
        reader = self._on_grid(DataSet(self.file, "reflectance", "y x band"), _NODATA, options)
        return ProductCube(
            [Detector(reader, nm, None, fwhm, good=good)],
            _NODATA,
            crs,
            transform,
            self._layers(options),
            acquired=acquired,
            reflectance=True,
        )

    def _on_grid(self, reader: DataSet, fill: float, options: CubeOptions) -> CubeReader:
        if not options.ortho:
            return reader
        columns, rows = (DataSet(self.file, f"location/{name}", "y x") for name in ("glt_x", "glt_y"))
        return LookedUpReader(self.path, reader, columns, rows, fill)

    def _layers(self, options: CubeOptions) -> dict[str, list[Layer]]:
        file = self._mask_file()
        if file is None:
            return {}
        with Content(file, self.title) as content:
            key = "sensor_band_parameters/mask_bands"
            names = [str(name).lower() for name in content.file[key].asstr()[()]] if content.has(key) else []
        reader = self._on_grid(DataSet(file, "mask", "y x band"), 0.0, options)
        found = {mask: tuple(names.index(name) for name in wanted if name in names) for mask, wanted in _MASKS.items()}
        return {mask: [Layer(reader, bands, values=(1,))] for mask, bands in found.items() if bands}

    def _mask_file(self) -> Path | None:
        """The file of masks of the same scene, as it is published."""
        file = self.file.with_name(self.file.name.replace("_RFL_", "_MASK_"))
        return file if file != self.file and file.is_file() else None
