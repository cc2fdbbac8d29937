"""Cubes in rasters: GeoTIFF, ENVI and whatever else GDAL opens."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Interleaving
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterWindow

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.files import CUBE_FORMATS, reading
from mmhsi.io.gdal import local_files
from mmhsi.io.readers.base import CubeReader, check_dtype
from mmhsi.io.readers.envi import check_header, data_file_of
from mmhsi.io.readers.raster_metadata import spectral_metadata
from mmhsi.io.selection import Window

_SIDECARS = (".hdr", ".aux.xml", ".ovr", ".msk", ".tfw", ".wld")

MOST_BANDS = 1 << 13
"""rasterio's time to read all bands grows with the square of their number."""


@contextmanager
def without_georeference_warning() -> Iterator[None]:
    """Keep rasterio silent about files without a transform: half of the public scenes have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


class RasterReader(CubeReader[rasterio.DatasetReader]):
    """A raster read through GDAL, by windows and bands.

    Values are the stored ones: scale and offset that a file declares are not applied. Nodata is the file's (that of its
    first band).

    Args:
        path: The raster, which exists; of an ENVI pair either file.

    Raises:
        FileFormatError: GDAL does not read it, it is an ENVI header without data, or an ENVI
            data file shorter than its header says.
        DataError: The bands are complex or of different types.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        super().__init__(path)
        file = Path(path)
        data = data_file_of(file) if file.suffix.lower() == ".hdr" else file
        for sidecar in (data.with_name(data.name + suffix) for suffix in _SIDECARS):
            existing = sidecar if sidecar.exists() else sidecar.with_name(data.stem + sidecar.suffix)
            if existing.is_fifo():
                raise FileFormatError(f"{existing}: is a pipe; GDAL would wait for it when it opens {data.name}")
        # As an absolute path no name is taken for a URL or for one of GDAL's prefixes.
        self._data_file = os.path.abspath(data)
        self.handle()

    @local_files()
    def _open(self) -> rasterio.DatasetReader:
        with reading(self.path, f"GDAL cannot open it; expected {CUBE_FORMATS}"), without_georeference_warning():
            # A shared handle would be the parent's again in a forked worker.
            dataset = rasterio.open(self._data_file, sharing=False)
        try:
            if dataset.count == 0:
                raise DataError(f"{self.path}: holds no bands of its own (a container of other datasets?)")
            if dataset.count > MOST_BANDS:
                raise DataError(f"{self.path}: declares {dataset.count} bands; expected at most {MOST_BANDS}")
            if len(set(dataset.dtypes)) > 1:
                raise DataError(f"{self.path}: bands have different types: {', '.join(sorted(set(dataset.dtypes)))}")
            if dataset.dtypes[0].startswith("complex"):
                raise DataError(
                    f"{self.path}: values of type {dataset.dtypes[0]} are not supported; expected real ones"
                )
            if dataset.driver == "ENVI":
                with reading(self.path, "the ENVI header is damaged"):
                    check_header(dataset, self.path)
        except BaseException:
            dataset.close()
            raise
        return dataset

    def _release(self, handle: rasterio.DatasetReader) -> None:
        handle.close()

    @local_files()
    def _describe(self) -> CubeInfo:
        dataset = self.handle()
        spectral = spectral_metadata(dataset, self.path)
        return CubeInfo(
            shape=(dataset.height, dataset.width, dataset.count),
            dtype=check_dtype(np.dtype(dataset.dtypes[0]), self.path),
            wavelengths=spectral.wavelengths,
            fwhm=spectral.fwhm,
            good_bands=spectral.good_bands,
            nodata=dataset.nodata,
            crs=dataset.crs,
            # rasterio gives the identity for "no transform"
            transform=None if dataset.transform.is_identity else dataset.transform,
            name=self.path,
        )

    def _unit_bytes(self) -> int:
        dataset = self.handle()
        (rows, cols), bands = dataset.block_shapes[0], dataset.count
        return rows * cols * self.info.dtype.itemsize * (bands if dataset.interleaving is Interleaving.pixel else 1)

    @local_files()
    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        dataset = self.handle()
        row0, col0, height, width = window
        indexes = list(dataset.indexes) if bands is None else [band + 1 for band in bands]
        area = RasterWindow(col0, row0, width, height)
        with reading(self.path, f"cannot read window {window}, the file may be truncated"):
            if dataset.interleaving is Interleaving.pixel:
                # Into the transposed view GDAL writes pixel by pixel, as the file lies: several times faster than band
                # by band for ENVI BIP. For band- or line-interleaved files it is the other way round.
                block = np.empty((height, width, len(indexes)), dtype=self.info.dtype)
                dataset.read(indexes, window=area, out=block.transpose(2, 0, 1))
                return block
            return np.ascontiguousarray(dataset.read(indexes, window=area).transpose(1, 2, 0))  # (C, h, w) -> (h, w, C)
