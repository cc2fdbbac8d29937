"""Features of every pixel as GeoTIFF or Zarr, written by rows, which :func:`mmhsi.io.open_cube` reads as a cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from mmhsi.errors import ConfigError
from mmhsi.io.row_writer import RowWriter, predictor

if TYPE_CHECKING:
    from os import PathLike
    from types import TracebackType
    from typing import Self

    import rasterio
    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

SIDE = 64
"""Side in pixels of a tile or chunk; rows are written so many at a time."""

SUFFIXES = (".tif", ".tiff", ".zarr")


class FeatureWriter(Protocol):
    """Takes rows of features from top to bottom; the file appears when the ``with`` block ends well."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def write(self, first: int, values: NDArray) -> None:
        """Write some rows, as many as :data:`SIDE`, of the last ones fewer.

        Args:
            first: First row, a multiple of :data:`SIDE`.
            values: Shape (rows, W, d), NaN where there is no data.
        """


class FeatureTiff(RowWriter):
    """A tiled GeoTIFF of features, half precision where that is asked for (GDAL's ``NBITS=16``).

    Args:
        path: The file; its folder is created.
        shape: (H, W, d).
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        half: Whether values are kept in 16 bits, float16; they are read as float32.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        shape: tuple[int, int, int],
        crs: CRS | None,
        transform: Affine | None,
        half: bool,
    ) -> None:
        dtype = np.dtype(np.float32)
        options: dict[str, object] = dict(interleave="band", blockxsize=SIDE, blockysize=SIDE)
        options.update(dict(nbits=16) if half else dict(predictor=predictor(dtype)))
        super().__init__(path, shape[:2], shape[2], dtype, float("nan"), crs, transform, options)
        self.half = half

    def write(self, first: int, values: NDArray) -> None:
        """Write some rows; arguments as for :meth:`FeatureWriter.write`."""
        kept = rounded(values, self.half)
        for band in range(self.bands):
            self.write_rows(first, kept[..., band], band)

    def _describe(self, dataset: rasterio.io.DatasetWriter) -> None:
        for band in range(self.bands):
            dataset.set_band_description(band + 1, f"feature {band}")
        dataset.update_tags(quantity="features of a model")


def rounded(values: NDArray, half: bool) -> NDArray[np.float32]:
    """Values as 16 bits keep them, or as they are; what float16 does not reach is its largest number.

    Args:
        values: Floats.
        half: Whether 16 bits are wanted.
    """
    if not half:
        return values.astype(np.float32, copy=False)
    most = float(np.finfo(np.float16).max)
    return values.clip(-most, most).astype(np.float16).astype(np.float32)


def feature_writer(
    path: str | PathLike[str],
    shape: tuple[int, int, int],
    crs: CRS | None = None,
    transform: Affine | None = None,
    half: bool = True,
) -> FeatureWriter:
    """The writer for a file, by its suffix.

    Args:
        path: ``.tif`` for a GeoTIFF, ``.zarr`` for a folder of Zarr's version 3.
        shape: (H, W, d).
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        half: Whether values are kept as float16. Default True.

    Raises:
        ConfigError: The suffix is another one, or zarr is not installed.
    """
    suffix = check_feature_name(path)
    if suffix != ".zarr":
        return FeatureTiff(path, shape, crs, transform, half)
    from mmhsi.io.zarr_writer import ZarrWriter

    dtype = np.dtype(np.float16 if half else np.float32)
    return ZarrWriter(path, shape, dtype, float("nan"), crs, transform, chunk=SIDE)


def check_feature_name(path: str | PathLike[str]) -> str:
    """The suffix of a file of features.

    Args:
        path: The file.

    Raises:
        ConfigError: It is none of :data:`SUFFIXES`.
    """
    suffix = next((suffix for suffix in SUFFIXES if str(path).lower().endswith(suffix)), None)
    if suffix is None:
        raise ConfigError(f"{path}: features are written as one of {', '.join(SUFFIXES)}")
    return suffix
