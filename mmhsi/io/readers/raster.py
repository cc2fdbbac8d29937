"""Cubes in rasters: GeoTIFF, ENVI and some others that GDAL opens."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager, nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterWindow

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.acquired import envi_time
from mmhsi.io.cube import CubeInfo
from mmhsi.io.doubts import doubt
from mmhsi.io.files import CUBE_FORMATS, reading
from mmhsi.io.gdal import asked_for, bounded_cache, local_files, need_cache
from mmhsi.io.readers.base import CubeReader, check_dtype, check_scale
from mmhsi.io.readers.drivers import driver_of, header_of
from mmhsi.io.readers.envi import check_header, data_file_of, envi_scaling
from mmhsi.io.readers.envi_header import read_envi_header
from mmhsi.io.readers.open_raster import OpenRaster, open_raster
from mmhsi.io.readers.raster_metadata import TagSource, spectral_metadata, tag_source
from mmhsi.io.readers.raster_missing import MissingValues, check_nodata
from mmhsi.io.readers.scaling import reflectance_in
from mmhsi.io.readers.surroundings import check_surroundings, check_virtual, own_sidecars
from mmhsi.io.readers.tiff_tags import gdal_nodata
from mmhsi.io.transposing import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from affine import Affine
    from numpy.typing import NDArray

    from mmhsi.io.selection import Window

MOST_BANDS = 1 << 13
"""What a file that is not damaged may hold: opening takes some kilobytes of memory a band."""
_RAW = ("ENVI", "EHdr")
"""Drivers of values that lie in the file as they are."""
_ALONE = ("GTiff", *_RAW)
"""Drivers that open no further file to read values."""


@contextmanager
def without_georeference_warning() -> Iterator[None]:
    """Keep rasterio silent about files without a transform: half of the public scenes have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


class RasterReader(CubeReader[OpenRaster]):
    """A raster read through GDAL, by windows and bands.

    Nodata, masks and transparency decide which pixels hold data; a band of transparency is no band of the cube. Scale
    and offset of the bands are applied (:meth:`CubeReader.read`), as is ENVI's reflectance scale factor.

    Args:
        path: The raster, which exists; of an ENVI pair either file.
        page: Of a TIFF of several pages the one that is meant, from 1; None for the only one.

    Raises:
        FileFormatError: Its format is not one that is read, it is an ENVI header without data, an ENVI data file
            shorter than its header says, or something that GDAL would wait for lies beside it.
        DataError: The bands are complex or of different types, or the file holds several pages and none is named.
    """

    def __init__(self, path: str | PathLike[str], page: str | None = None) -> None:
        super().__init__(path)
        file = Path(path)
        # As an absolute path, links not followed, no name is taken for a URL or for one of GDAL's prefixes.
        data_file = data_file_of(file) if file.suffix.lower() == ".hdr" else file
        self._data_file = Path(os.path.abspath(data_file))  # noqa: PTH100
        self._page = page
        self._missing: MissingValues | None = None
        self._by_pixel = False
        self._block_shape = (0, 0)
        self.handle()

    @local_files()
    def _open(self) -> OpenRaster:
        file = self._data_file
        with reading(self.path, "cannot be looked at"):
            check_surroundings(file)
            driver = driver_of(file)
            if driver is None:
                raise FileFormatError(f"{self.path}: GDAL cannot open it; expected {CUBE_FORMATS}")
            if driver == "VRT":
                check_virtual(file)
            if driver == "ENVI":
                check_header(self._header(), file, self.path)
        with reading(self.path, f"GDAL cannot open it; expected {CUBE_FORMATS}"), without_georeference_warning():
            dataset = open_raster(self._name(driver), driver)
        try:
            # Of a damaged file GDAL finds out when one of its properties is asked for.
            with reading(self.path, "its header is damaged"):
                self._check(dataset)
        except BaseException:
            dataset.close()
            raise
        return dataset

    def _check(self, dataset: OpenRaster) -> None:
        """Refuse what is no cube of real numbers, and files that are not whole."""
        if dataset.count == 0:
            raise DataError(f"{self.path}: holds no bands of its own (a container of other datasets?)")
        if dataset.count > MOST_BANDS:
            raise DataError(f"{self.path}: declares {dataset.count} bands; expected at most {MOST_BANDS}")
        self._check_pages(dataset)
        self._missing = MissingValues(dataset)
        # Asked once: rasterio looks through all of GDAL's ways whenever it is asked.
        self._by_pixel = dataset.interleaving is Interleaving.pixel
        self._block_shape = dataset.block_shapes[0]
        dtypes = dataset.dtypes  # such a list is made anew whenever it is asked for
        types = sorted({dtypes[index - 1] for index in self._missing.indexes})
        if len(types) > 1:
            raise DataError(f"{self.path}: bands have different types: {', '.join(types)}")
        if types[0].startswith("complex"):
            raise DataError(f"{self.path}: values of type {types[0]} are not supported; expected real ones")
        if dataset.driver == "GTiff" and not str(self._data_file).startswith("/vsi"):
            check_nodata(gdal_nodata(self._data_file, int(self._page or 1)), self.path)

    @property
    def files(self) -> list[Path]:
        """The raster, what a virtual one is made of, and what lies beside each: header, mask, overviews, metadata."""
        rasters = [self._data_file]
        if driver_of(self._data_file) == "VRT":
            rasters += check_virtual(self._data_file)
        beside = [path for raster in rasters for path in (*own_sidecars(raster), header_of(raster)) if path is not None]
        told = (Path(name) for name in self.handle().files)  # such as a world file
        found = {Path(self.path), *rasters, *beside, *(path for path in told if path.is_file())}
        return sorted({path.absolute() for path in found})

    def _name(self, driver: str) -> str:
        """The file, or its page, as GDAL is asked for it."""
        if self._page is None:
            return str(self._data_file)
        if driver != "GTiff" or not self._page.isdecimal():
            raise DataError(
                f"{self.path}: key {self._page!r} names a variable of a .mat or HDF5 file, or a page of a TIFF by its "
                "number; this file has none of that name"
            )
        return f"GTIFF_DIR:{int(self._page)}:{self._data_file}"

    def _check_pages(self, dataset: OpenRaster) -> None:
        """One page of several is not taken for all."""
        tags = dataset.tags(ns="SUBDATASETS")
        pages = [value for name, value in sorted(tags.items()) if name.endswith("_DESC")]
        if self._page is None and len(pages) > 1:
            raise DataError(
                f"{self.path}: holds {len(pages)} pages: {', '.join(pages[:8])}{', …' if len(pages) > 8 else ''}; name "
                "one with key='1' and so on, or store the bands in one page"
            )

    def _header(self) -> dict[str, str]:
        """The ENVI header's own text."""
        header = header_of(self._data_file)
        return {} if header is None else read_envi_header(header)

    def _own_tags(self, dataset: OpenRaster) -> list[TagSource]:
        """What the file says itself where a sidecar may say otherwise."""
        if dataset.driver == "ENVI":
            return [TagSource([self._header()], [])]
        beside = self._data_file.with_name(self._data_file.name + ".aux.xml")
        if dataset.driver != "GTiff" or not beside.is_file():
            return []
        with (
            rasterio.Env(GDAL_PAM_ENABLED="NO"),
            without_georeference_warning(),
            rasterio.open(dataset.name, driver="GTiff", sharing=False) as bare,
        ):
            return [tag_source(bare)]

    def _release(self, handle: OpenRaster) -> None:
        need_cache(id(self), 0)
        handle.close()

    def _bands(self) -> MissingValues:
        """What the open file says of its bands."""
        self.handle()
        assert self._missing is not None  # opening has set it
        return self._missing

    @local_files()
    def _describe(self) -> CubeInfo:
        with reading(self.path, "its metadata cannot be read"):
            return self._describe_open(self.handle(), self._bands())

    def _describe_open(self, dataset: OpenRaster, bands: MissingValues) -> CubeInfo:
        spectral = spectral_metadata(dataset, self.path, bands.indexes, self._own_tags(dataset))
        all_scales, all_offsets = dataset.scales, dataset.offsets
        scales = [all_scales[index - 1] for index in bands.indexes]
        offsets = [all_offsets[index - 1] for index in bands.indexes]
        said = dataset.units
        units, acquired, reflectance = [said[index - 1] for index in bands.indexes], None, False
        if dataset.driver == "ENVI":
            header = self._header()
            scaling = envi_scaling(header, self.path, len(scales))
            if scaling is not None:
                scales, offsets, reflectance = scaling
            units, acquired = [header.get("data_units", header.get("units"))], envi_time(header)
        percent = reflectance_in(units, spectral.wavelengths)
        scale, offset = check_scale([percent * one for one in scales], [percent * one for one in offsets], self.path)
        return CubeInfo(
            shape=(dataset.height, dataset.width, len(bands.indexes)),
            dtype=check_dtype(np.dtype(dataset.dtypes[bands.indexes[0] - 1]), self.path),
            wavelengths=spectral.wavelengths,
            fwhm=spectral.fwhm,
            good_bands=spectral.good_bands,
            nodata=bands.nodata,
            crs=dataset.crs,
            transform=self._transform(dataset),
            name=self.path,
            scale=scale,
            offset=offset,
            acquired=acquired,
            reflectance=reflectance or percent != 1,
        )

    def _transform(self, dataset: OpenRaster) -> Affine | None:
        """Where the pixels lie; what cannot be carried on is not lost without a word."""
        # rasterio gives the identity for "no transform"
        transform = None if dataset.transform.is_identity else dataset.transform
        if transform is None:
            points, polynomials = len(dataset.gcps[0]), dataset.rpcs is not None
            if points or polynomials:
                what = f"{points} ground control points" if points else "an RPC model"
                doubt(
                    self.path, "place", f"has {what} instead of a transform; maps of it will have no place (gdalwarp)"
                )
            elif dataset.driver == "ENVI" and "map_info" in self._header():
                doubt(self.path, "place", "has a 'map info' that says no place; maps of it will have none")
            elif dataset.crs is not None:
                doubt(self.path, "place", "names a coordinate system but no transform; maps of it will have no place")
        elif dataset.crs is None:
            doubt(
                self.path, "place", "has a transform but names no coordinate system; maps of it will have none either"
            )
        return transform

    def _unit_bytes(self) -> int:
        dataset, (rows, columns) = self.handle(), self._block_shape
        return rows * columns * self.stored.dtype.itemsize * (dataset.count if self._by_pixel else 1)

    def _keep_blocks(self, window: Window, bands: int) -> None:
        """Have GDAL's cache hold a row of blocks where a file is read by bands of rows lower than its blocks."""
        dataset, (_, width, _) = self.handle(), self.stored.shape
        rows, columns = self._block_shape
        if window[3] == width and window[2] < rows < self.stored.shape[0]:
            count = dataset.count if self._by_pixel else bands
            across = -(-width // columns) * columns
            need_cache(id(self), rows * across * count * self.stored.dtype.itemsize * 9 // 8)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        view = self._read_view(window, bands)
        return view if view.flags.c_contiguous else pixels_of(view.transpose(2, 0, 1))

    def _read_view(self, window: Window, bands: list[int] | None) -> NDArray:
        self._keep_blocks(window, self.stored.shape[2] if bands is None else len(bands))
        dataset, area, indexes = self.handle(), _area(window), self._indexes(bands)
        guarded = bounded_cache() if dataset.driver in _ALONE and not asked_for() else local_files()
        with guarded, reading(self.path, f"cannot read window {window}, the file may be truncated"):
            if self._by_pixel and dataset.driver in _RAW:
                # Into the transposed view GDAL writes pixel by pixel, as the file lies: several times faster than band
                # by band. What it has to unpack it sorts into bands, and is faster at handing these out.
                block = np.empty((window[2], window[3], len(indexes)), dtype=self.stored.dtype)
                dataset.read(indexes, window=area, out=block.transpose(2, 0, 1))
                return block
            planes = dataset.read(indexes, window=area)
            return pixels_of(planes) if self._by_pixel else planes.transpose(1, 2, 0)  # (C, h, w) -> (h, w, C)

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        missing = self._bands()
        if not missing.says_more:
            return None
        asked = local_files() if missing.reads_file else nullcontext()
        with asked, reading(self.path, f"cannot read the mask of window {window}"):
            return missing.mask(self.handle(), _area(window), self._indexes(bands), data)

    def _indexes(self, bands: list[int] | None) -> list[int]:
        """GDAL's numbers of some bands."""
        indexes = self._bands().indexes
        return indexes if bands is None else [indexes[band] for band in bands]


def _area(window: Window) -> RasterWindow:
    """A window as rasterio takes it."""
    row0, col0, height, width = window
    return RasterWindow(col0, row0, width, height)
