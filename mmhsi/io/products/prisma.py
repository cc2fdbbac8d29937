"""PRISMA L1, L2B, L2C and L2D: one HDF-EOS5 file with a cube a detector.

Layout: PRISMA Products Specification Document (ASI). The cubes are (row, band, column), bands in falling wavelength,
and the lists of the root say 0 for bands that are not used. Level 1 is radiance, ``DN / ScaleFactor − Offset``; level 2
is ``Min + DN · (Max − Min) / 65535`` of the detector. The matrices of errors say for each value whether it was
saturated: 2 in level 1, 3 in level 2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h5py
import numpy as np
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import FileFormatError
from mmhsi.io.acquired import utc_time
from mmhsi.io.doubts import doubt
from mmhsi.io.files import reading
from mmhsi.io.products.base import Detector, Hdf5Product, Layer, ProductCube, register_product
from mmhsi.io.products.hdf5 import Content, DataSet

if TYPE_CHECKING:
    from mmhsi.io.cube_options import CubeOptions

_SWATH = re.compile(r"PRS_(L1|L2B|L2C|L2D)_HCO")
_FULL = 65535.0
_PIXEL = 30.0
"""Metres a pixel of the map grid of L2D."""


@register_product
class PRISMA(Hdf5Product):
    """PRISMA L1 and L2B (radiance), L2C and L2D (reflectance; L2D on a map grid)."""

    title = "PRISMA"

    @classmethod
    def holds(cls, content: h5py.File) -> bool:
        """An HDF-EOS file with swaths of PRISMA's names."""
        swaths = content.get("HDFEOS/SWATHS")
        return isinstance(swaths, h5py.Group) and any(name.startswith("PRS_") for name in swaths)

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands of both detectors, quality layers and place."""
        with Content(self.file, self.title) as content:
            names = sorted(content.names("HDFEOS/SWATHS"))
            swath = next((name for name in names if _SWATH.fullmatch(name)), None)
            if swath is None:
                raise FileFormatError(
                    f"{self.path}: PRISMA: holds {', '.join(names[:4])}; expected a coregistered cube of level 1, "
                    "2B, 2C or 2D (PRS_L2D_HCO)"
                )
            level = swath.split("_")[1]
            fields = f"HDFEOS/SWATHS/{swath}/Data Fields"
            detectors = [self._detector(content, level, fields, name) for name in ("Vnir", "Swir")]
            layers = self._layers(content, level, fields)
            crs, transform = self._place(content, level)
            acquired = utc_time(content.maybe_text("Product_StartTime"))
        return ProductCube(
            detectors,
            None,
            crs,
            transform,
            layers,
            empty=(550.0, 860.0, 1650.0),
            acquired=acquired,
            reflectance=level in ("L2C", "L2D"),
        )

    def _detector(self, content: Content, level: str, fields: str, name: str) -> Detector:
        nm, fwhm = content.numbers(f"List_Cw_{name}"), content.numbers(f"List_Fwhm_{name}")
        used = nm > 0
        flags = content.maybe(f"List_Cw_{name}_Flags")
        if flags is not None and np.shape(flags) == nm.shape:
            used &= np.asarray(flags) != 0
        if level == "L1":
            scale = 1 / content.number(f"ScaleFactor_{name}")
            offset = -content.number(f"Offset_{name}")
        else:
            low, high = content.number(f"L2Scale{name}Min"), content.number(f"L2Scale{name}Max")
            scale, offset = (high - low) / _FULL, low
        reader = DataSet(self.file, f"{fields}/{name.upper()}_Cube", "y band x")
        return Detector(reader, nm[used], np.flatnonzero(used), fwhm[used], scale, offset)

    def _layers(self, content: Content, level: str, fields: str) -> dict[str, list[Layer]]:
        layers: dict[str, list[Layer]] = {}
        if content.has(f"{fields}/Cloud_Mask"):
            layers["cloud"] = [Layer(DataSet(self.file, f"{fields}/Cloud_Mask", "y x"), values=(1,))]
        matrix, values = ("PIXEL_SAT_ERR_MATRIX", (2.0,)) if level == "L1" else ("PIXEL_L2_ERR_MATRIX", (3.0,))
        saturated = []
        for name in ("Vnir", "Swir"):
            key = f"{fields}/{name.upper()}_{matrix}"
            if content.has(key):
                used = np.flatnonzero(content.numbers(f"List_Cw_{name}") > 0)
                saturated.append(Layer(DataSet(self.file, key, "y band x"), tuple(used.tolist()), values=values))
        if saturated:
            layers["saturation"] = saturated
        return layers

    def _place(self, content: Content, level: str) -> tuple[CRS | None, Affine | None]:
        if level != "L2D":
            doubt(self.path, "place", f"PRISMA {level} is in the sensor's geometry; maps will have no place (L2D has)")
            return None, None
        with reading(self.path, "PRISMA: Epsg_Code is none"):
            crs = CRS.from_epsg(int(content.number("Epsg_Code")))
        # The corners that the file names are centres of pixels.
        east, north = content.number("Product_ULcorner_easting"), content.number("Product_ULcorner_northing")
        return crs, Affine(_PIXEL, 0, east - _PIXEL / 2, 0, -_PIXEL, north + _PIXEL / 2)
