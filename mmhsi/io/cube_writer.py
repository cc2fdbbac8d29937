"""Cubes as GeoTIFF files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rasterio

from mmhsi.errors import DataError
from mmhsi.io.row_writer import RowWriter, predictor

if TYPE_CHECKING:
    from os import PathLike

    from mmhsi.io.cube import HSICube

_WRITABLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


def write_cube(path: str | PathLike[str], cube: HSICube) -> None:
    """Write a cube as a tiled, compressed GeoTIFF that :func:`mmhsi.io.open_cube` reads back unchanged.

    Wavelengths, FWHM and bad bands go into the band tags ``wavelength``, ``fwhm``, ``bbl`` and ``wavelength_units``,
    the cube's mask into a mask band; of a mask for each band a pixel holds data where all good bands do. The file
    appears under its name only when it is complete.

    Args:
        path: The file; its folder is created.
        cube: The cube.

    Raises:
        DataError: The file cannot be written, or GeoTIFF cannot hold the cube's type or nodata value.
    """
    if cube.data.dtype.name not in _WRITABLE:
        raise DataError(
            f"{path}: GeoTIFF cannot hold values of type {cube.data.dtype}; expected one of {', '.join(_WRITABLE)}"
        )
    with _CubeWriter(path, cube) as writer:
        for band in range(cube.data.shape[2]):
            writer.write_rows(0, cube.data[..., band], band)


class _CubeWriter(RowWriter):
    """A GeoTIFF with the tags of a cube's bands."""

    def __init__(self, path: str | PathLike[str], cube: HSICube) -> None:
        height, width, bands = cube.data.shape
        # Small tiles, because the bands lie one after the other: a window of all bands reads one tile of each.
        options = dict(interleave="band", predictor=predictor(cube.data.dtype), blockxsize=128, blockysize=128)
        options.update(photometric="minisblack", alpha="no")  # else the fourth band of 8 bits would be transparency
        shape, dtype = (height, width), cube.data.dtype
        super().__init__(path, shape, bands, dtype, cube.nodata, cube.crs, cube.transform, options)
        self.cube = cube

    def _describe(self, dataset: rasterio.io.DatasetWriter) -> None:
        for band in range(self.bands):
            dataset.update_tags(band + 1, **_band_tags(self.cube, band))
        mask = self.cube.mask
        if mask is not None:
            shared = mask if mask.ndim == 2 else mask[..., self.cube.good_bands].all(axis=-1)
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"):
                dataset.write_mask(shared)


def _band_tags(cube: HSICube, band: int) -> dict[str, str]:
    """The tags of one band; repr() keeps every digit of a float."""
    tags = {"bbl": str(int(cube.good_bands[band]))}
    if cube.wavelengths is not None:
        tags["wavelength"] = repr(float(cube.wavelengths[band]))
    if cube.fwhm is not None:
        tags["fwhm"] = repr(float(cube.fwhm[band]))
    if cube.wavelengths is not None or cube.fwhm is not None:
        tags["wavelength_units"] = "Nanometers"
    return tags
