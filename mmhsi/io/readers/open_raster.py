"""An open raster of rasterio's whose bands are asked once what they are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import rasterio
from rasterio.env import env_ctx_if_needed

if TYPE_CHECKING:
    from rasterio.enums import MaskFlags


class OpenRaster(rasterio.DatasetReader):
    """A raster open for reading, in which nothing changes.

    rasterio makes each of these lists anew, band by band, for every band of every read: of 200 bands that takes longer
    than reading a small window.
    """

    @cached_property
    def indexes(self) -> tuple[int, ...]:
        """Numbers of the bands, from 1."""
        return super().indexes

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """Type of each band."""
        return super().dtypes

    @cached_property
    def nodatavals(self) -> tuple[float | None, ...]:
        """Nodata of each band."""
        return super().nodatavals

    @cached_property
    def mask_flag_enums(self) -> tuple[list[MaskFlags], ...]:
        """What the mask of each band is made of."""
        return super().mask_flag_enums


def open_raster(name: str, driver: str) -> OpenRaster:
    """Open a raster.

    Args:
        name: As GDAL names it.
        driver: GDAL's driver that takes it.
    """
    with env_ctx_if_needed():
        # A shared handle would be the parent's again in a forked worker.
        return OpenRaster(name, driver=driver, sharing=False)
