"""Maps of real numbers, such as probabilities and uncertainty, as GeoTIFF files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.row_writer import RowWriter, predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import rasterio
    from affine import Affine
    from rasterio.crs import CRS


class ValueMapWriter(RowWriter):
    """Write a float32 raster of named bands by rows, NaN where there is no data.

    The file is a cloud-optimised GeoTIFF whose overviews are averages; its bands have a name, the scale 1 and a unit.

    Args:
        path: The file; its folder is created.
        shape: (H, W) in pixels.
        band_names: Description of each band.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        unit: Of the values, as UDUNITS spells it, or one a band. Default ``"1"``: pure numbers such as probabilities.
        tags: Further metadata of the file. Default: none.

    Raises:
        DataError: The shape is empty, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        shape: tuple[int, int],
        band_names: Sequence[str],
        crs: CRS | None = None,
        transform: Affine | None = None,
        unit: str | Sequence[str] = "1",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        dtype = np.dtype(np.float32)
        options = dict(interleave="band", predictor=predictor(dtype))
        super().__init__(path, shape, len(band_names), dtype, float("nan"), crs, transform, options, "average")
        self.band_names = [str(name) for name in band_names]
        self.units = [unit] * len(self.band_names) if isinstance(unit, str) else [str(each) for each in unit]
        self.tags = dict(tags or {})

    def _describe(self, dataset: rasterio.io.DatasetWriter) -> None:
        for band, name in enumerate(self.band_names):
            dataset.set_band_description(band + 1, name)
        dataset.units = self.units
        dataset.scales, dataset.offsets = [1.0] * self.bands, [0.0] * self.bands
        dataset.update_tags(**self.tags)
