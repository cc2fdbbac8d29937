"""DESIS L2A and L1C: a GeoTIFF of all bands with an XML file, as EnMAP's; the quality layers are bands of one GeoTIFF.

Layout: DESIS Products Specification (DLR/Teledyne, PAV-PD-003). Of the L2A quality file bands 1 to 8 are 1 where a
pixel is shadow, land, snow, haze over land, haze over water, cloud over land, cloud over water, water.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError
from mmhsi.io.acquired import utc_time
from mmhsi.io.products.base import Detector, Layer, Product, ProductCube, register_product
from mmhsi.io.products.metadata_xml import numbers_of
from mmhsi.io.readers.raster import RasterReader
from mmhsi.io.xml_files import read_xml

if TYPE_CHECKING:
    from mmhsi.io.cube_options import CubeOptions

_QUALITY = {"shadow": (0,), "snow": (2,), "haze": (3, 4), "cloud": (5, 6)}
_QUALITY_BANDS = 8
_NODATA = -32768.0


@register_product
class DESIS(Product):
    """DESIS L1C (radiance) and L2A (reflectance)."""

    title = "DESIS"
    main = r"DESIS-HSI-.*-METADATA\.XML"
    member = r"(DESIS-HSI-.*-)(SPECTRAL_IMAGE|QL_IMAGE|QL_QUALITY.*|HISTORY)\.(TIF|TIFF|XML|HDR)"

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands, quality layers and place."""
        level = re.search(r"-(L1C|L2A)-", self.file.name, re.IGNORECASE)
        if level is None:
            raise FileFormatError(f"{self.path}: DESIS: this level is in the sensor's geometry; expected L1C or L2A")
        root = read_xml(self.file)
        stem = re.escape(re.sub(r"METADATA\.XML$", "", self.file.name, flags=re.IGNORECASE))
        image = self.beside(stem + r"SPECTRAL_IMAGE\.TIFF?")
        assert image is not None
        reader = RasterReader(image)
        bands = root.findall("specific/bandCharacterisation/band")
        nm, width, gain, offset = (
            numbers_of(bands, tag, self.file)
            for tag in ("wavelengthCenterOfBand", "wavelengthWidthOfBand", "gainOfBand", "offsetOfBand")
        )
        stored = reader.stored
        if stored.shape[2] != len(bands):
            raise FileFormatError(
                f"{self.path}: DESIS: {image.name} has {stored.shape[2]} bands, the metadata {len(bands)}"
            )
        layers: dict[str, list[Layer]] = {}
        quality = self.beside(stem + r"QL_QUALITY-2\.TIFF?", needed=False)
        if quality is not None:
            marks = RasterReader(quality)
            if marks.stored.shape[2] >= _QUALITY_BANDS:
                layers = {name: [Layer(marks, numbers, values=(1,))] for name, numbers in _QUALITY.items()}
        detectors = [Detector(reader, nm, None, width, gain, offset)]
        nodata = _NODATA if stored.nodata is None else stored.nodata  # where the GeoTIFF does not say it
        acquired = utc_time(root.findtext("base/temporalCoverage/startTime"))
        place, reflectance = (stored.crs, stored.transform), level[1].upper() == "L2A"
        return ProductCube(detectors, nodata, *place, layers, acquired=acquired, reflectance=reflectance)
