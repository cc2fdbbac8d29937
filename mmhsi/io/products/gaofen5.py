"""Gaofen-5 and Ziyuan-1 AHSI, level 1: a GeoTIFF a detector, and text files that users get with it.

Layout, as public code reads it: ``…_VN.tif`` and ``…_SW.tif`` (of Gaofen-5 01 one file of all bands, ``.geotiff``);
``…_RadCal_VNIR.raw`` has a line ``gain,offset`` a band, ``…_Spectralresponse_VNIR.raw`` a line ``centre,width`` in nm.
Values become W m⁻² sr⁻¹ µm⁻¹. No file of the sensor was at hand to try it on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import FileFormatError
from mmhsi.io.products.base import Detector, Product, ProductCube, register_product
from mmhsi.io.readers.raster import RasterReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.cube_options import CubeOptions

_NAME = r"(GF5[A-Z]?|ZY1[A-Z])_AHSI_"
_LARGEST = 1 << 20


@register_product
class Gaofen5(Product):
    """AHSI radiance of Gaofen-5 and Ziyuan-1, level 1."""

    title = "Gaofen-5 AHSI"
    main = rf"{_NAME}(.*_VN\.TIFF?|.*\.GEOTIFF)"
    member = rf"({_NAME}.*_)SW\.TIFF?"

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands of both detectors."""
        tables = {name: self._tables(name) for name in ("VNIR", "SWIR")}
        images = [RasterReader(self.file)]
        if self.file.suffix.lower() != ".geotiff":
            second = self.beside(re.escape(self.file.stem[:-2]) + r"SW\.TIFF?")
            assert second is not None
            images.append(RasterReader(second))
        detectors, first = [], 0
        for number, (nm, fwhm, gain, offset) in enumerate(tables.values()):
            reader = images[min(number, len(images) - 1)]
            bands = np.arange(nm.size) + (first if len(images) == 1 else 0)
            detectors.append(Detector(reader, nm, bands, fwhm, gain, offset))
            first += nm.size
        stored = images[0].stored
        return ProductCube(detectors, stored.nodata, stored.crs, stored.transform, empty=(550.0, 860.0, 1650.0))

    def _tables(self, name: str) -> tuple[NDArray[np.float64], ...]:
        """Centres, widths, gains and offsets of a detector."""
        columns: list[NDArray[np.float64]] = []
        for what in ("Spectralresponse", "RadCal"):
            file = self.beside(rf".*_AHSI_{what}_{name}\.RAW")
            assert file is not None
            if file.stat().st_size > _LARGEST:
                raise FileFormatError(f"{file}: Gaofen-5 AHSI: is too large for a table")
            lines = [line for line in file.read_text(encoding="ascii", errors="replace").splitlines() if line.strip()]
            try:
                pairs = np.array([[float(word) for word in line.split(",")[:2]] for line in lines])
                columns += [pairs[:, 0], pairs[:, 1]]
            except (ValueError, IndexError):
                raise FileFormatError(f"{file}: Gaofen-5 AHSI: expected two numbers a line, with a comma") from None
        if len({column.size for column in columns}) != 1:
            raise FileFormatError(f"{self.path}: Gaofen-5 AHSI: the tables of {name} list different numbers of bands")
        return tuple(columns)
