"""Cubes as GeoTIFF files."""

from __future__ import annotations

from os import PathLike

import numpy as np
import rasterio

from mmhsi.errors import DataError
from mmhsi.io.cube import HSICube
from mmhsi.io.files import writing
from mmhsi.io.output import PendingFile
from mmhsi.io.readers.raster import without_georeference_warning

# Small tiles, because the bands lie one after the other: a window of all bands reads one tile of each.
_TILE = 128
_HORIZONTAL_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
_WRITABLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


def write_cube(path: str | PathLike[str], cube: HSICube) -> None:
    """Write a cube as a tiled, compressed GeoTIFF that :func:`mmhsi.io.open_cube` reads back unchanged.

    Wavelengths, FWHM and bad bands go into the band tags ``wavelength``, ``fwhm``, ``bbl`` and ``wavelength_units``.
    The file appears under its name only when it is complete.

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
    pending = PendingFile(path)
    height, width, bands = cube.data.shape
    try:
        with (
            writing(path),
            without_georeference_warning(),
            rasterio.open(
                pending.temporary,
                "w",
                driver="GTiff",
                height=height,
                width=width,
                count=bands,
                dtype=cube.data.dtype.name,
                nodata=cube.nodata,
                crs=cube.crs,
                transform=cube.transform,
                interleave="band",
                tiled=True,
                blockxsize=_TILE,
                blockysize=_TILE,
                compress="deflate",
                predictor=_FLOAT_DIFFERENCES if cube.data.dtype.kind == "f" else _HORIZONTAL_DIFFERENCES,
                BIGTIFF="IF_SAFER",
            ) as dataset,
        ):
            for band in range(bands):
                dataset.update_tags(band + 1, **_band_tags(cube, band))
                dataset.write(np.ascontiguousarray(cube.data[..., band]), band + 1)
    except BaseException:
        pending.discard()
        raise
    pending.commit()


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
