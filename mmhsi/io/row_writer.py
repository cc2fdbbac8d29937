"""Rasters that are written by bands of rows, for scenes larger than memory."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from mmhsi.errors import DataError
from mmhsi.io.files import writing
from mmhsi.io.gdal import local_files
from mmhsi.io.output import PendingFile, check_blocks
from mmhsi.io.readers.raster import without_georeference_warning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

_TILE = 256
IN_MEMORY = 64 << 20
"""Bytes of packed rows up to which an optimised file is laid out in memory, where no write can fail unseen. More would
let the memory of a map grow with the scene's rows."""


def predictor(dtype: np.dtype) -> int:
    """GDAL's number of the differences that pack best: between neighbouring integers, or between bytes of floats.

    Args:
        dtype: Type of the values.
    """
    return 3 if dtype.kind == "f" else 2


def cloud_optimised(overviews: str, dtype: np.dtype) -> dict[str, object]:
    """Creation options of GDAL's COG driver.

    Args:
        overviews: How coarser copies are made of the pixels, ``"mode"`` or ``"average"``.
        dtype: Type of the values.
    """
    different = "YES" if dtype.kind == "f" else "NO"
    options = dict(BLOCKSIZE=_TILE, COMPRESS="DEFLATE", BIGTIFF="IF_SAFER", PREDICTOR=different)
    return {**options, "OVERVIEW_RESAMPLING": overviews.upper()}


class RowWriter:
    """Base of the writers: a tiled, compressed GeoTIFF that takes rows.

    The file appears under its name only if the ``with`` block ends well and every row of every band has been written;
    otherwise nothing is left.

    Args:
        path: The file; its folder is created.
        shape: (H, W) in pixels.
        bands: Bands of the file.
        dtype: Type of the values.
        nodata: The value that stands for "nothing here", or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        options: Further creation options of GDAL's GTiff driver.
        overviews: How coarser copies are made of the pixels, ``"mode"`` or ``"average"``: the file is then a
            cloud-optimised GeoTIFF. Default None: a plain GeoTIFF without any.

    Raises:
        DataError: The shape is empty, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        shape: tuple[int, int],
        bands: int,
        dtype: np.dtype,
        nodata: float | None = None,
        crs: CRS | None = None,
        transform: Affine | None = None,
        options: Mapping[str, object] | None = None,
        overviews: str | None = None,
    ) -> None:
        self.path = Path(path)
        if len(shape) != 2 or min(shape) < 1:
            raise DataError(f"{self.path}: a map has shape (H, W), at least one pixel; got {shape}")
        self.shape = shape
        self.bands = bands
        self.dtype = dtype
        self.nodata = nodata
        self.crs = crs
        self.transform = transform
        self.options = dict(options or {})
        self.overviews = overviews
        self._written = np.zeros((bands, shape[0]), dtype=bool)
        self._sums = np.zeros((bands, shape[0]), dtype=np.uint32)
        self._dataset: rasterio.io.DatasetWriter | None = None

    def write_rows(self, row0: int, block: NDArray, band: int = 0) -> None:
        """Write a band of rows; those that begin at multiples of 256 rows pack best.

        Args:
            row0: First row.
            block: Values of shape (rows, W).
            band: 0-based band of the file. Default 0.

        Raises:
            DataError: The block does not fit the file, or writing failed.
        """
        if self._dataset is None:
            raise DataError(f"{self.path}: write_rows needs the writer to be open; use it in a with statement")
        height, width = self.shape
        if block.ndim != 2 or block.shape[1] != width or row0 < 0 or row0 + block.shape[0] > height:
            raise DataError(
                f"{self.path}: a block of shape {block.shape} at row {row0} does not fit the map of {height} x {width}"
            )
        self._check(row0, block)
        rows, values = block.shape[0], np.ascontiguousarray(block, dtype=self.dtype)
        with writing(self.path), local_files():
            self._dataset.write(values, band + 1, window=Window(0, row0, width, rows))
        self._written[band, row0 : row0 + rows] = True
        self._sums[band, row0 : row0 + rows] = row_sums(values)

    @local_files()
    def __enter__(self) -> Self:
        self._pending = PendingFile(self.path)
        # Rows come in any order of bands; an optimised file is laid out when all are there.
        rows = self._pending.temporary
        self._rows = rows if self.overviews is None else rows.with_name(f"{rows.name}.rows")
        try:
            with writing(self.path):
                self._dataset = self._create()
        except BaseException:
            self._pending.discard()
            raise
        return self

    @local_files()
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        dataset, self._dataset = self._dataset, None
        try:
            with writing(self.path):
                said = [] if dataset is None else facts_of(dataset)
                if dataset is not None:
                    dataset.close()
            if exc_type is not None:
                return
            written = self._written.all(axis=0)
            if not written.all():
                raise DataError(
                    f"{self.path}: {int((~written).sum())} of {self.shape[0]} rows were not written, the first is "
                    f"{int(np.argmin(written))}"
                )
            with writing(self.path):
                if self.overviews is not None:
                    self._optimise(self.overviews)
                self._check_whole(said)
                self._finish(self._pending.temporary)
            self._pending.commit()
            self._accompany()
        finally:
            self._pending.discard()

    def _create(self) -> rasterio.io.DatasetWriter:
        profile = dict(height=self.shape[0], width=self.shape[1], count=self.bands, dtype=self.dtype.name)
        profile.update(nodata=self.nodata, crs=self.crs, transform=self.transform, BIGTIFF="IF_SAFER")
        profile.update(tiled=True, blockxsize=_TILE, blockysize=_TILE, compress="deflate")
        if self.overviews is not None:
            profile.update(zlevel=1)  # for the rows alone, which are packed anew
        profile.update(self.options)
        with without_georeference_warning():
            dataset = rasterio.open(self._rows, "w", driver="GTiff", **profile)
        try:
            self._describe(dataset)
        except BaseException:
            dataset.close()
            raise
        return dataset

    def _optimise(self, overviews: str) -> None:
        """Lay the rows out as a cloud-optimised GeoTIFF with overviews down to one tile."""
        check_blocks(self._rows, self.path)
        options = cloud_optimised(overviews, self.dtype)
        with without_georeference_warning():
            if self._rows.stat().st_size > IN_MEMORY:
                rasterio.shutil.copy(self._rows, self._pending.temporary, driver="COG", **options)
            else:
                with rasterio.MemoryFile() as made, self._pending.temporary.open("wb") as file:
                    rasterio.shutil.copy(self._rows, made.name, driver="COG", **options)
                    shutil.copyfileobj(made, file)
        self._rows.unlink()

    def _check_whole(self, said: list[object]) -> None:
        """Compare the file with what was written: GDAL tells of no error when it closes a file."""
        height, width = self.shape
        with without_georeference_warning(), rasterio.open(self._pending.temporary) as file:
            same = facts_of(file) == said and (
                self.overviews is None or max(height, width) <= _TILE or file.overviews(1)
            )
            # An optimised file has all bands in one tile, to be unpacked once; together the tiles of a row may be more
            # than GDAL keeps.
            each = width if self.overviews is None else _TILE
            for bands in [[band] for band in file.indexes] if self.overviews is None else [list(file.indexes)]:
                for row in range(0, height, _TILE) if same else ():
                    rows = min(_TILE, height - row)
                    sums = np.zeros((len(bands), rows), dtype=np.uint32)
                    for column in range(0, width, each):
                        part = file.read(bands, window=Window(column, row, min(each, width - column), rows))
                        sums = np.stack([row_sums(*pair) for pair in zip(part, sums, strict=True)])
                    same = same and np.array_equal(sums, self._sums[bands[0] - 1 : bands[-1], row : row + rows])
        if not same:
            raise DataError(f"{self.path}: cannot write all of it; is the disk full?")

    def _check(self, row0: int, block: NDArray) -> None:
        """Refuse values that the file must not hold."""

    def _describe(self, dataset: rasterio.io.DatasetWriter) -> None:
        """Write metadata before the first pixel."""

    def _finish(self, temporary: Path) -> None:
        """Write what lies beside the file that is complete but not yet renamed."""

    def _accompany(self) -> None:
        """Write what lies beside the file that has its name."""


def row_sums(values: NDArray, before: NDArray[np.uint32] | None = None) -> NDArray[np.uint32]:
    """CRC-32 of every row.

    Args:
        values: Shape (rows, W), contiguous.
        before: Those of what lies to the left, (rows,). Default: nothing does.
    """
    begun = [0] * len(values) if before is None else before.tolist()
    return np.array([zlib.crc32(*pair) for pair in zip(values, begun, strict=True)], dtype=np.uint32)


def facts_of(file: rasterio.io.DatasetReader | rasterio.io.DatasetWriter) -> list[object]:
    """What a raster says beside its values, as far as a GeoTIFF keeps it.

    Args:
        file: The open raster.
    """
    tags = [file.tags(), *map(file.tags, file.indexes)]
    for named in tags:
        for own in ("AREA_OR_POINT", "OVR_RESAMPLING_ALG"):  # GDAL's, which it adds
            named.pop(own, None)
    try:
        # A file has 256, black where none was given, and nothing in the colour of what is nodata.
        colours = {index: colour[:3] for index, colour in file.colormap(1).items() if any(colour[:3])}
    except ValueError:  # it has none
        colours = {}
    return [tags, colours, file.descriptions, file.units, file.scales, file.crs, file.transform, str(file.nodatavals)]
