"""EO-1 Hyperion L1T and L1Gst: a GeoTIFF a band and a text file of metadata.

Layout: USGS EO-1 User Guide. Stored values are radiance times 40 (VNIR, bands 1 to 70) or 80 (SWIR, 71 to 242), in
W m⁻² sr⁻¹ µm⁻¹; 0 is no data. 198 bands are calibrated: 8 to 57 and 77 to 224. Centres are those of the sensor's table,
whose steps are even to within 0.1 nm.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError
from mmhsi.io.acquired import utc_time
from mmhsi.io.products.base import Detector, Product, ProductCube, register_product
from mmhsi.io.readers.raster import RasterReader

if TYPE_CHECKING:
    from mmhsi.io.cube_options import CubeOptions

_CALIBRATED = (range(8, 58), range(77, 225))
_CENTRES = ((8, 426.82, 57, 925.41), (77, 912.45, 224, 2395.50))
"""First calibrated band of each detector, its centre, the last one, its centre."""
_LARGEST = 1 << 20


@register_product
class Hyperion(Product):
    """EO-1 Hyperion radiance, L1T and L1Gst."""

    title = "Hyperion"
    main = r"EO1H.*_MTL_L1(T|GST)\.TXT"
    member = r"(EO1H\w+?_)B\d{3}_L1(T|GST)\.TIFF?"

    def describe(self, options: CubeOptions) -> ProductCube:
        """The calibrated bands of both detectors."""
        if self.file.stat().st_size > _LARGEST:
            raise FileFormatError(f"{self.file}: Hyperion: is too large for a file of metadata")
        text = self.file.read_text(encoding="ascii", errors="replace")
        detectors = []
        for numbers, (first, start, last, end), name in zip(_CALIBRATED, _CENTRES, ("VNIR", "SWIR"), strict=True):
            found = re.search(rf"SCALING_FACTOR_{name}\s*=\s*([\d.]+)", text)
            if found is None or not float(found.group(1)) > 0:
                raise FileFormatError(f"{self.file}: Hyperion: SCALING_FACTOR_{name} is missing")
            for number in numbers:
                nm = start + (end - start) / (last - first) * (number - first)
                detectors.append(Detector(self._band(number), [nm], scale=1 / float(found.group(1)), group=name))
        stored = detectors[0].reader.stored
        return ProductCube(detectors, 0.0, stored.crs, stored.transform, acquired=_start_time(text))

    def _band(self, number: int) -> RasterReader:
        stem, level = re.split(r"_MTL_", self.file.stem, maxsplit=1)
        file = self.beside(rf"{re.escape(stem)}_B{number:03d}_{level}\.TIFF?")
        assert file is not None
        return RasterReader(file)


def _start_time(text: str) -> str | None:
    """When the scene was taken: ``START_TIME = 2010 123 10:05:16``, year, day of the year and time in UTC."""
    found = re.search(r"\bSTART_TIME\s*=\s*\"?(\d{4}) (\d{3}) (\d\d:\d\d:\d\d)", text)
    if found is None:
        return None
    with suppress(ValueError):  # no day of that year
        day = datetime.strptime(f"{found[1]} {found[2]}", "%Y %j")
        return utc_time(f"{day:%Y-%m-%d}T{found[3]}")
    return None
