"""EnMAP L1C and L2A: a GeoTIFF of all bands, an XML file and a GeoTIFF a quality layer.

Layout: EnMAP Product Specification (EN-PCV-ICD-2009). ``specific/bandCharacterisation/bandID`` has centre, width, gain
and offset of every band; ``expectedChannelsList`` says which of them the VNIR and the SWIR detector measured.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import FileFormatError
from mmhsi.io.acquired import utc_time
from mmhsi.io.products.base import Detector, Layer, Product, ProductCube, register_product
from mmhsi.io.products.metadata_xml import channels, numbers_of
from mmhsi.io.readers.raster import RasterReader
from mmhsi.io.xml_files import read_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from mmhsi.io.cube_options import CubeOptions

_LAYERS = {
    "cloud": "CLOUD",
    "shadow": "CLOUDSHADOW",
    "haze": "HAZE",
    "cirrus": "CIRRUS",
    "snow": "SNOW",
}


@register_product
class EnMAP(Product):
    """EnMAP L1C (radiance) and L2A (reflectance)."""

    title = "EnMAP"
    main = r"ENMAP.*-METADATA\.XML"
    member = r"(ENMAP.*-)(SPECTRAL_IMAGE|QL_[A-Z_]+|HISTORY|LOG)\w*\.(TIF|TIFF|XML|GEOTIFF)"

    def describe(self, options: CubeOptions) -> ProductCube:
        """Bands of both detectors, quality layers and place; L2A comes as reflectance, L1C as W m⁻² sr⁻¹ nm⁻¹."""
        root = read_xml(self.file)
        level = root.findtext("specific/code") or root.findtext("base/level") or self.file.name
        if not re.search(r"L1C|L2A", level):
            raise FileFormatError(
                f"{self.path}: EnMAP: level {level.strip()[:20]} is not read; expected L1C or L2A (L1B has the "
                "sensor's geometry)"
            )
        stem = re.escape(re.sub(r"METADATA\.XML$", "", self.file.name, flags=re.IGNORECASE))
        image = self.beside(stem + r"SPECTRAL_IMAGE(_COG)?\.TIFF?")
        assert image is not None
        reader = RasterReader(image)
        bands = root.findall("specific/bandCharacterisation/bandID")
        if not bands:
            raise FileFormatError(f"{self.file}: EnMAP: specific/bandCharacterisation lists no bands")
        wrong = next((band.get("number") for band in bands if not band.get("number", "0").isdecimal()), None)
        if wrong is not None:
            raise FileFormatError(f"{self.file}: EnMAP: a band has the number {wrong!r}; expected a whole number")
        bands.sort(key=lambda band: int(band.get("number", "0")))
        nm, fwhm, gain, offset = (
            numbers_of(bands, tag, self.file)
            for tag in ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
        )
        if reader.stored.shape[2] != len(bands):
            raise FileFormatError(
                f"{self.path}: EnMAP: {image.name} has {reader.stored.shape[2]} bands, the metadata {len(bands)}"
            )
        good = _with_values(root, len(bands))
        detectors = [
            Detector(reader, nm[part], part, fwhm[part], gain[part], offset[part], good[part])
            for part in _detectors(root, nm)
        ]
        layers = {}
        for name, ending in _LAYERS.items():
            layer = self.beside(rf"{stem}QL_QUALITY_{ending}(_COG)?\.TIFF?", needed=False)
            if layer is not None:
                layers[name] = [Layer(RasterReader(layer))]
        stored = reader.stored
        nodata, reflectance = stored.nodata, "L2A" in level
        if nodata is None:  # the GeoTIFF does not say it
            nodata = -32768.0 if reflectance else 0.0
        acquired = utc_time(root.findtext("base/temporalCoverage/startTime"))
        place = stored.crs, stored.transform
        return ProductCube(detectors, nodata, *place, layers, acquired=acquired, reflectance=reflectance)


def _detectors(root: Element, nm: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Bands of the VNIR and of the SWIR detector, 0-based."""
    known = np.arange(len(nm))
    lists = [
        np.array(channels(root, f"specific/{name}ProductQuality/expectedChannelsList"), dtype=np.int64) - 1
        for name in ("vnir", "swir")
    ]
    if sorted(np.concatenate(lists).tolist()) == known.tolist():
        return lists
    # Without lists that fit, a step back in wavelength is where the second detector begins.
    back = np.flatnonzero(np.diff(nm) < 0)
    return [known] if back.size != 1 else [known[: back[0] + 1], known[back[0] + 1 :]]


def _is_zero(text: str | None) -> bool:
    """Whether a text is the number 0; a damaged one is not."""
    try:
        return text is not None and float(text) == 0
    except ValueError:
        return False


def _with_values(root: Element, count: int) -> NDArray[np.bool_]:
    """Bands that hold values: the statistics of those that L2A leaves empty, around water vapour, are constant."""
    good = np.ones(count, dtype=bool)
    for band in root.findall("product/bandStatistics/bandID"):
        number, spread = band.get("number", ""), band.findtext("stdDeviation")
        if number.isdecimal() and 1 <= int(number) <= count and _is_zero(spread):
            good[int(number) - 1] = False
    return good
