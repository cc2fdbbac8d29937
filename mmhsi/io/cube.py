"""A hyperspectral cube in memory, and what is known about one before its data is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.selection import check_bands
from mmhsi.io.value_origins import COUNTS, FLOATS, REFERENCED, SCALED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from affine import Affine
    from matplotlib.figure import Figure
    from numpy.typing import DTypeLike, NDArray
    from rasterio.crs import CRS

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
        nodata: The value that stands for "not measured" in all bands, or None. Where bands have different ones, what is
            missing stands in the masks of the cubes that are read.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None where the file has none.
        name: Path of the file.
        scale: (C,) what the stored values have been multiplied with, or None where they come as they are stored.
        offset: (C,) what has then been added, or None.
        referenced: Whether they are reflectance by a dark and a white reference.
        reflectance: Whether the file, its product or its references say that they are reflectance, 1 for all light.
        acquired: When the scene was taken, RFC 3339 in UTC, or None where the file does not say.
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
    scale: NDArray[np.float64] | None = None
    offset: NDArray[np.float64] | None = None
    referenced: bool = False
    reflectance: bool = False
    acquired: str | None = None

    def __post_init__(self) -> None:
        _check_per_band(self, self.shape[2])

    @property
    def values(self) -> str:
        """How values have come about, one of :data:`mmhsi.io.value_origins.ORIGINS`."""
        if self.referenced or self.scale is not None:
            return REFERENCED if self.referenced else SCALED
        return FLOATS if self.dtype.kind == "f" else COUNTS


@dataclass(eq=False, repr=False)
class HSICube:
    """A cube and what is known about its bands and its place on the ground.

    NumPy takes it for its values (``np.asarray(cube)``), a notebook shows it as a picture with its mean spectrum.

    Attributes:
        data: (H, W, C) values in the file's type, native byte order; floats where the file declares a scale.
        wavelengths: (C,) band centres in nm, in band order (not always increasing), or None.
        fwhm: (C,) full widths at half maximum in nm, or None.
        good_bands: (C,) bool, False where the band is flagged bad; all True unless given.
        nodata: The value that stands for "not measured" (NaN allowed), or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) of `data` to map coordinates, or None.
        name: Path that the cube came from.
        mask: Where the file says by other means than `nodata` that there is data, such as a mask band: bool, (H, W) for
            all bands or (H, W, C); None where it says nothing.

    Raises:
        DataError: `data` is not 3-D, a per-band array has not C values, or the mask has another size.

    Example:
        >>> import numpy as np
        >>> cube = HSICube(np.zeros((4, 5, 3)), wavelengths=np.array([450.0, 550.0, 650.0]))
        >>> cube.good_bands.tolist()
        [True, True, True]
    """

    data: NDArray
    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] = field(default_factory=all_good)
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    name: str = "cube"
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.data.ndim != 3:
            raise DataError(f"{self.name}: a cube has three axes (H, W, C), got shape {self.data.shape}")
        if not self.data.dtype.isnative:
            self.data = self.data.astype(self.data.dtype.newbyteorder("="))
        _check_per_band(self, self.data.shape[2])
        if self.mask is not None and self.mask.shape not in (self.data.shape, self.data.shape[:2]):
            raise DataError(f"{self.name}: the mask has shape {self.mask.shape}, the cube {self.data.shape}")

    def __repr__(self) -> str:
        from mmhsi.io.cube_display import summary

        return summary(self)

    def _repr_html_(self) -> str:
        from mmhsi.io.cube_display import notebook_page

        return notebook_page(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        if copy is False and dtype is not None and np.dtype(dtype) != self.data.dtype:
            raise ValueError(f"values of {self.data.dtype} do not become {np.dtype(dtype)} without a copy")
        return np.array(self.data, dtype=dtype) if copy else np.asarray(self.data, dtype=dtype)

    def plot(self) -> Figure:
        """False colour beside the mean spectrum, as a figure of matplotlib's that a notebook shows."""
        from mmhsi.io.cube_display import cube_figure

        return cube_figure(self)

    def to_xarray(self) -> Any:
        """A ``DataArray`` (y, x, band) that :func:`mmhsi.io.read_cube` takes back, but for the mask.

        Its coordinates are ``wavelength`` (nm), ``fwhm``, ``good_bands``, ``x``, ``y`` and ``spatial_ref``, as far as
        they are known.

        Raises:
            ConfigError: xarray is not installed.
        """
        from mmhsi.io.arrays import to_xarray

        known = dict(wavelength=self.wavelengths, fwhm=self.fwhm, good_bands=self.good_bands)
        bands = {name: values for name, values in known.items() if values is not None}
        return to_xarray(self.data, self.crs, self.transform, bands, self.nodata, self.name)

    def valid(self) -> NDArray[np.bool_]:
        """Which pixels hold a measurement in every good band.

        Bands flagged bad do not count: where every band is flagged, every pixel is valid.

        Returns:
            (H, W) bool, False where a good band is nodata, masked, NaN or infinite.
        """
        height, width, bands = self.data.shape
        result = np.ones((height, width), dtype=bool)
        if self.mask is not None and self.mask.ndim == 2:
            result &= self.mask
        step = max(1, _VALUES_AT_A_TIME // max(1, width * bands))
        good: slice | NDArray[np.bool_] = slice(None) if self.good_bands.all() else self.good_bands
        for row in range(0, height, step):
            rows = slice(row, row + step)
            present = holds_data(self.data[rows, :, good], self.nodata)
            if present is not None:
                result[rows] &= present.all(axis=-1)
            if self.mask is not None and self.mask.ndim == 3:
                result[rows] &= self.mask[rows, :, good].all(axis=-1)
        return result

    def empty_bands(self) -> list[int]:
        """Bands that are not flagged bad and yet hold no measurement in any pixel, 0-based."""
        empty = []
        for band in np.flatnonzero(self.good_bands):
            part = slice(band, band + 1)
            mask = self.mask if self.mask is None or self.mask.ndim == 2 else self.mask[..., part]
            if not HSICube(self.data[..., part], nodata=self.nodata, mask=mask).valid().any():
                empty.append(int(band))
        return empty

    def select_bands(self, indices: Iterable[int]) -> HSICube:
        """Keep some bands, in the order given.

        Args:
            indices: 0-based bands; repeats allowed.

        Returns:
            A new cube (H, W, len(indices)) with its own data; wavelengths, fwhm, good_bands and mask follow.

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
            mask=self.mask if self.mask is None or self.mask.ndim == 2 else self.mask[..., bands],
        )


def holds_data(values: NDArray, nodata: float | None) -> NDArray[np.bool_] | None:
    """Which values are neither nodata nor, being floats, NaN or infinite.

    Args:
        values: Of any shape.
        nodata: The value that stands for "not measured", NaN allowed, or None.

    Returns:
        bool of the same shape; None where no value can be missing.
    """
    missing = nodata_in_type(nodata, values.dtype)
    if values.dtype.kind != "f":
        return None if missing is None else values != missing
    present = np.isfinite(values)
    return present if missing is None else present & (values != missing)


def nodata_in_type(nodata: float | None, dtype: np.dtype) -> np.generic | None:
    """Nodata in the data's own type, so that comparing casts nothing; None where no value can equal it.

    Args:
        nodata: The value that stands for "not measured", NaN allowed, or None.
        dtype: Type of the data.
    """
    if nodata is None or np.isnan(nodata):
        return None  # NaN is caught by isfinite
    if dtype.kind == "b":
        return None
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not float(nodata).is_integer() or not limits.min <= int(nodata) <= limits.max:
            return None
        return dtype.type(int(nodata))
    with np.errstate(over="ignore"):
        return dtype.type(nodata)
