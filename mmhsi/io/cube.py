"""A hyperspectral cube in memory, and what is known about one before its data is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from mmhsi.errors import DataError
from mmhsi.io.selection import check_bands

# valid() needs a few boolean copies of what it looks at; a whole scene at once would cost more than the scene.
_VALUES_AT_A_TIME = 1 << 24


def all_good() -> NDArray[np.bool_]:
    """The empty array, shape (0,), that stands for "no band is flagged bad" until the number of bands is known."""
    return np.ones(0, dtype=bool)


def _check_per_band(described: CubeInfo | HSICube, bands: int) -> None:
    """Bring wavelengths and widths to float64 and flags to bool, one a band; no flags at all mean that all are good."""
    for what, dtype in (("wavelengths", np.float64), ("fwhm", np.float64), ("good_bands", np.bool_)):
        values = getattr(described, what)
        if values is None and what != "good_bands":
            continue
        array = np.asarray(values, dtype=dtype)
        if what == "good_bands" and array.size == 0:
            array = np.ones(bands, dtype=bool)
        if array.shape != (bands,):
            raise DataError(
                f"{described.name}: {what} has shape {array.shape}, expected one value for each of {bands} bands"
            )
        object.__setattr__(described, what, array)  # CubeInfo is frozen


@dataclass(frozen=True, eq=False)
class CubeInfo:
    """What a file says about its cube, without the data.

    Attributes:
        shape: (H, W, C): rows, columns, bands.
        dtype: Type of the values, native byte order.
        wavelengths: (C,) band centres in nm, in the file's band order (not always increasing), or None.
        fwhm: (C,) full widths at half maximum in nm, or None.
        good_bands: (C,) bool, False where the file flags the band as bad.
        nodata: The value that stands for "not measured", or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None where the file has none.
        name: Path of the file.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] = field(default_factory=all_good)
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    name: str = "cube"

    def __post_init__(self) -> None:
        _check_per_band(self, self.shape[2])


@dataclass(eq=False)
class HSICube:
    """A cube and what is known about its bands and its place on the ground.

    Attributes:
        data: (H, W, C) values in the file's type, native byte order.
        wavelengths: (C,) band centres in nm, in band order (not always increasing), or None.
        fwhm: (C,) full widths at half maximum in nm, or None.
        good_bands: (C,) bool, False where the band is flagged bad; all True unless given.
        nodata: The value that stands for "not measured" (NaN allowed), or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) of `data` to map coordinates, or None.
        name: Path that the cube came from.

    Raises:
        DataError: `data` is not 3-D, or a per-band array has not C values.
    """

    data: NDArray
    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] = field(default_factory=all_good)
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    name: str = "cube"

    def __post_init__(self) -> None:
        if self.data.ndim != 3:
            raise DataError(f"{self.name}: a cube has three axes (H, W, C), got shape {self.data.shape}")
        if not self.data.dtype.isnative:
            self.data = self.data.astype(self.data.dtype.newbyteorder("="))
        _check_per_band(self, self.data.shape[2])

    def valid(self) -> NDArray[np.bool_]:
        """Which pixels hold a measurement in every good band.

        Bands flagged bad do not count: where every band is flagged, every pixel is valid.

        Returns:
            (H, W) bool, False where a good band is nodata, NaN or infinite.
        """
        height, width, bands = self.data.shape
        result = np.ones((height, width), dtype=bool)
        nodata = self._comparable_nodata()
        is_float = self.data.dtype.kind == "f"
        if nodata is None and not is_float:
            return result
        step = max(1, _VALUES_AT_A_TIME // max(1, width * bands))
        for row in range(0, height, step):
            block = self.data[row : row + step]
            if not self.good_bands.all():
                block = block[..., self.good_bands]
            valid = result[row : row + step]
            if is_float:
                valid &= np.isfinite(block).all(axis=-1)
            if nodata is not None:
                valid &= (block != nodata).all(axis=-1)
        return result

    def select_bands(self, indices: Iterable[int]) -> HSICube:
        """Keep some bands, in the order given.

        Args:
            indices: 0-based bands; repeats allowed.

        Returns:
            A new cube (H, W, len(indices)) with its own data; wavelengths, fwhm and good_bands follow.

        Raises:
            DataError: There are no indices, or one is not a band of this cube.
        """
        bands = check_bands(indices, self.data.shape[2], self.name)
        return HSICube(
            data=np.take(self.data, bands, axis=2),
            wavelengths=None if self.wavelengths is None else self.wavelengths[bands],
            fwhm=None if self.fwhm is None else self.fwhm[bands],
            good_bands=self.good_bands[bands],
            nodata=self.nodata,
            crs=self.crs,
            transform=self.transform,
            name=self.name,
        )

    def _comparable_nodata(self) -> np.generic | None:
        """Nodata in the data's own type, so that comparing casts nothing; None where no value can equal it."""
        if self.nodata is None or np.isnan(self.nodata):
            return None  # NaN is caught by isfinite
        dtype = self.data.dtype
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if not float(self.nodata).is_integer() or not limits.min <= int(self.nodata) <= limits.max:
                return None
            return dtype.type(int(self.nodata))
        with np.errstate(over="ignore"):
            return dtype.type(self.nodata)
