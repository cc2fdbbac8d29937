"""What a sensor's product says of itself, and the class that a sensor is written as."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from mmhsi.errors import DataError, FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

    import h5py
    from affine import Affine
    from numpy.typing import ArrayLike, NDArray
    from rasterio.crs import CRS

    from mmhsi.io.cube_options import CubeOptions
    from mmhsi.io.readers.base import CubeReader


@dataclass(frozen=True, eq=False)
class Detector:
    """Bands of one data set that one detector measured.

    Attributes:
        reader: The data set.
        wavelengths: (C,) centres in nm.
        bands: (C,) which of the data set's bands they are, 0-based. Default: all, in the file's order.
        fwhm: (C,) widths in nm, or None.
        scale: What stored values are multiplied with, one number or one a band. Default 1.
        offset: What is then added. Default 0.
        good: (C,) bool, False for bands that the product calls bad. Default: all are good.
        group: Where a detector's bands lie in several data sets, its name, the same for all of them.
    """

    reader: CubeReader
    wavelengths: ArrayLike
    bands: ArrayLike | None = None
    fwhm: ArrayLike | None = None
    scale: ArrayLike = 1.0
    offset: ArrayLike = 0.0
    good: ArrayLike | None = None
    group: str | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """A quality layer: where it says that a pixel shows something else than the ground.

    Attributes:
        reader: The data set.
        bands: Its bands that count, 0-based; a pixel is marked if one of them marks it.
        bits: Bits of which one is set where a pixel is marked. Default None: ``values`` decide.
        values: Values that mark a pixel. Default: all but 0.
    """

    reader: CubeReader
    bands: tuple[int, ...] = (0,)
    bits: int | None = None
    values: tuple[float, ...] = ()

    def marks(self, block: NDArray) -> NDArray[np.bool_]:
        """Which pixels are marked, (h, w) bool.

        Args:
            block: The layer's values, (h, w, bands).
        """
        if self.bits is not None:
            marked = block.astype(np.int64) & self.bits != 0
        else:
            marked = np.isin(block, self.values) if self.values else block != 0
        return marked.any(axis=-1)


@dataclass(frozen=True, eq=False)
class ProductCube:
    """A product's cube: which bands lie where, and what is said of all of them.

    Attributes:
        detectors: The bands. They are sorted by wavelength; of detectors that overlap, the option ``overlap`` decides.
        nodata: Stored value that stands for "not measured" in all bands, or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        layers: Quality layers by name, of :data:`mmhsi.io.cube_options.MASKS`; several of one name all count.
        empty: Wavelengths in nm: a pixel whose stored values are 0 in all bands nearest to them holds no data, for
            products without a nodata value. Default: none.
        acquired: When the scene was taken, RFC 3339 in UTC (:func:`mmhsi.io.acquired.utc_time`), or None.
        reflectance: Whether scaled values are reflectance. Default: they are something else, such as radiance.
    """

    detectors: list[Detector]
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    layers: dict[str, list[Layer]] = field(default_factory=dict)
    empty: tuple[float, ...] = ()
    acquired: str | None = None
    reflectance: bool = False


class Product(ABC):
    """A sensor's product. A sensor is one subclass, decorated with :func:`register_product`.

    Args:
        file: The product's main file.
        path: What the user named, for messages.
    """

    title: ClassVar[str]
    """Name, for messages."""

    main: ClassVar[str]
    """Regular expression for the name of the main file, in any case."""

    member: ClassVar[str | None] = None
    """Regular expression for the names of the other files, whose group 1 begins the main file's name."""

    many_mains: ClassVar[bool] = False
    """Whether any of several files of a product counts as its main file."""

    def __init__(self, file: Path, path: str | os.PathLike[str]) -> None:
        self.file = file
        self.path = os.fspath(path)

    @classmethod
    def is_main(cls, name: str) -> bool:
        """Whether a file of this name is the main file of such a product.

        Args:
            name: Of the file, without folders.
        """
        return re.fullmatch(cls.main, name, re.IGNORECASE) is not None

    @classmethod
    def main_name(cls, name: str, beside: list[str]) -> str | None:
        """The main file's name, told from that of any file of the product; None if it is no file of such a product.

        Args:
            name: Of the file.
            beside: Names of the files of its folder.

        Returns:
            The name; an empty one where the file is of such a product, but its main file is missing.
        """
        if cls.is_main(name):
            return name
        part = None if cls.member is None else re.fullmatch(cls.member, name, re.IGNORECASE)
        if part is None:
            return None
        stem = part.group(1).lower()
        return next((other for other in beside if other.lower().startswith(stem) and cls.is_main(other)), "")

    def is_companion(self) -> bool:
        """Whether this file only accompanies the product that lies in the same folder."""
        return False

    @abstractmethod
    def describe(self, options: CubeOptions) -> ProductCube:
        """Find the product's bands, layers and place.

        Args:
            options: As the user gave them.

        Raises:
            FileFormatError: A file is missing or damaged, or the product is of a level that is not read.
            DataError: What it says does not fit.
        """

    def beside(self, ending: str, needed: bool = True) -> Path | None:
        """Another file of the product.

        Args:
            ending: Regular expression for the whole name, in any case.
            needed: Whether it is an error if it is missing. Default True.
        """
        names = sorted(os.listdir(self.file.parent))  # noqa: PTH208, names alone are wanted
        for name in names:
            if re.fullmatch(ending, name, re.IGNORECASE):
                return self.file.parent / name
        if needed:
            raise FileFormatError(f"{self.path}: {self.title}: no file {_shortest(ending)} beside {self.file.name}")
        return None


def _shortest(ending: str) -> str:
    """The shortest name that a regular expression of an escaped name with optional parts describes."""
    return re.sub(r"(\([^)]*\)|[^\\])\?", "", ending).replace("\\", "")


class Hdf5Product(Product):
    """A product in one HDF5 or netCDF-4 file, told by its content whatever its name."""

    main = r".*\.(h5|hdf5|he5|nc|nc4|hdf)"

    @classmethod
    @abstractmethod
    def holds(cls, content: h5py.File) -> bool:
        """Whether an open file is such a product.

        Args:
            content: The file.
        """


AnyProduct = TypeVar("AnyProduct", bound=type[Product])

PRODUCTS: list[type[Product]] = []
"""All products that are known, the first that fits is taken."""


def register_product(product: AnyProduct) -> AnyProduct:
    """Make a product known to :func:`mmhsi.io.open_cube`; those registered later are asked first.

    Args:
        product: The class.

    Raises:
        DataError: It names no title or no main file.
    """
    for name in ("title", "main"):
        if not isinstance(getattr(product, name, None), str):
            raise DataError(f"{product.__name__}: a product needs {name!r}, a text")
    PRODUCTS[:] = [product, *(other for other in PRODUCTS if other.title != product.title)]
    return product
