"""NEON AOP reflectance: one HDF5 file with a group of the site's name.

Layout: NEON.DP3.30006 and DP1.30006. ``Map_Info`` is ENVI's, ``Band_Window_1_Nanometers`` and ``_2_`` are the ranges of
water vapour that the publisher calls bad.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.files import reading
from mmhsi.io.products.base import Detector, Hdf5Product, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet

if TYPE_CHECKING:
    import h5py

    from mmhsi.io.cube_options import CubeOptions


@register_product
class NEON(Hdf5Product):
    """NEON AOP surface reflectance."""

    title = "NEON AOP"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """A group of a site with its reflectance."""
        return any(f"{site}/Reflectance/Reflectance_Data" in content for site in content)

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands and place."""
        with Content(self.file, self.title) as content:
            site = next(name for name in content.file if content.has(f"{name}/Reflectance/Reflectance_Data"))
            group = f"{site}/Reflectance"
            data = f"{group}/Reflectance_Data"
            nm = content.values(f"{group}/Metadata/Spectral_Data/Wavelength")
            fwhm = content.values(f"{group}/Metadata/Spectral_Data/FWHM")
            scale, nodata = content.number("Scale_Factor", data), content.number("Data_Ignore_Value", data)
            good = np.ones(nm.size, dtype=bool)
            for number in (1, 2):
                window = content.maybe(f"Band_Window_{number}_Nanometers", group)
                if window is not None and window.size == 2:
                    low, high = window.astype(np.float64).ravel()
                    good &= (nm < low) | (nm > high)
            transform = self._transform(content.word(f"{group}/Metadata/Coordinate_System/Map_Info"))
            with reading(self.path, "NEON AOP: EPSG Code is none"):
                crs = CRS.from_epsg(int(content.word(f"{group}/Metadata/Coordinate_System/EPSG Code")))
        reader = DataSet(self.file, data, "y x band")
        detector = Detector(reader, nm, None, fwhm, 1 / scale, good=good)
        return ProductCube([detector], nodata, crs, transform, reflectance=True)

    def _transform(self, text: str) -> Affine:
        """Of ENVI's map info: name, reference pixel x and y from 1, east, north, pixel width and height."""
        try:
            column, row, east, north, width, height = (float(word) for word in text.split(",")[1:7])
            turned = re.search(r"rotation\s*=\s*([-+.\d]+)", text, re.IGNORECASE)
            if turned is not None and float(turned.group(1)):
                raise ValueError("grids of NEON lie north up")
        except ValueError:
            raise FileFormatError(f"{self.path}: NEON AOP: Map_Info is {text!r:.120}; it must lie north up") from None
        return Affine(width, 0, east - (column - 1) * width, 0, -height, north + (row - 1) * height)
