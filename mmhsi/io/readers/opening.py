"""The reader that fits a file."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Literal, cast

import h5py

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.arrays import cube_of, cut_cube, is_path
from mmhsi.io.cube_options import NO_REFERENCE, PRODUCTS, REFERENCES, CubeOptions
from mmhsi.io.files import existing_file, reading
from mmhsi.io.products import open_product
from mmhsi.io.products.lab_camera import with_references
from mmhsi.io.products.lab_references import capture_in
from mmhsi.io.readers.hdf5 import Hdf5Reader, Mat73Reader, is_matlab
from mmhsi.io.readers.mat import Mat5Reader
from mmhsi.io.readers.mosaic import MosaicReader, is_pattern
from mmhsi.io.readers.npy import NpyReader
from mmhsi.io.readers.pixel_matrix import PixelMatrixReader
from mmhsi.io.readers.raster import RasterReader
from mmhsi.io.readers.remote import RemoteReader, asset_of, is_remote
from mmhsi.io.readers.zarr_group import ZarrReader, is_zarr
from mmhsi.io.vectors import is_vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike
    from pathlib import Path

    from numpy.typing import ArrayLike

    from mmhsi.io.cube import HSICube
    from mmhsi.io.readers.base import CubeReader

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_SUFFIXES = (".mat", ".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4")


def open_reader(
    path: str | PathLike[str],
    key: str | None,
    ndim: Literal[2, 3],
    axes: str | None = None,
    options: CubeOptions | None = None,
) -> CubeReader:
    """Open a cube (`ndim` 3) or a map (`ndim` 2): HDF5 by its content, .mat and .npy by their suffix, others by GDAL.

    Args:
        path: The file.
        key: Variable of a .mat or HDF5 file, page of a TIFF; None for the only one that fits.
        ndim: Axes wanted.
        axes: The axes of an array in the file's order, such as ``"y x band"``. Default None: what the file says.
        options: How a cube is opened. Default: as :class:`mmhsi.io.cube_options.CubeOptions` has it.
    """
    options = options or CubeOptions()
    path = asset_of(path)
    if is_remote(path):
        _refuse_options(path, options)
        if axes is not None:
            raise DataError(f"{path}: axes={axes!r} are for files of this machine; a GeoTIFF names its own axes")
        return RemoteReader(path, key)
    if is_pattern(path):
        if key is not None or axes is not None or options.given():
            raise DataError(f"{path}: names tiles of a scene, which take no key=, axes= or options")
        return MosaicReader(path, lambda tile: open_reader(tile, None, ndim))
    if is_zarr(path):
        _refuse_options(path, options)
        return ZarrReader(path, key, ndim, axes)
    if options.shape is not None and ndim == 3:
        _refuse_options(path, options, but=("shape",))
        return _pixel_matrix(path, key, axes, options.shape)
    if ndim == 3 and key is None and axes is None:
        path = capture_in(path) or path
        product = open_product(path, options)
        if product is not None:
            _refuse_options(path, options, but=PRODUCTS)
            return product
    file = existing_file(path)
    suffix = file.suffix.lower()
    with reading(path, "cannot be opened"), file.open("rb") as content:
        start = content.read(8)
    in_hdf5 = start == _HDF5 or (suffix in _HDF5_SUFFIXES and h5py.is_hdf5(file))
    _refuse_options(file, options, but=() if in_hdf5 or suffix in (".mat", ".npy") else REFERENCES)
    if in_hdf5:
        return (Mat73Reader if is_matlab(file) else Hdf5Reader)(path, key, ndim, axes)
    if suffix == ".mat":
        return Mat5Reader(path, key, ndim, axes)
    if suffix == ".npy":
        if key is not None:
            raise DataError(f"{file}: key {key!r} names a variable of a .mat file; this file has none")
        return NpyReader(path, ndim, axes)
    _refuse_other_containers(file, start)
    if is_vector(file):
        draws = f"mmhsi labels CUBE {file.name} --out labels.tif makes one of it" if ndim == 2 else "it holds no cube"
        what = "a label map, a raster," if ndim == 2 else "a raster"
        raise FileFormatError(f"{file}: holds polygons, points or a table; {what} is expected: {draws}")
    if axes is not None:
        raise DataError(f"{file}: axes={axes!r} are for arrays in .mat, HDF5 and .npy files; a raster names its own")
    raster = RasterReader(path, key)
    return with_references(raster, options) if ndim == 3 else raster


def _pixel_matrix(path: str | PathLike[str], key: str | None, axes: str | None, shape: tuple[int, int]) -> CubeReader:
    """A matrix of pixels as a cube."""
    matrix = open_reader(path, key, 2, "y x")
    try:
        return PixelMatrixReader(matrix, shape, axes)
    except BaseException:
        matrix.close()
        raise


def _refuse_options(file: str | PathLike[str], options: CubeOptions, but: Sequence[str] = ()) -> None:
    """Say which options, but some, a file has no use for; that values are wanted raw goes with all."""
    kinds = dict.fromkeys(PRODUCTS, "products") | dict.fromkeys(REFERENCES, "rasters of a camera")
    for name in options.given():
        value = getattr(options, name)
        if name not in but and value != NO_REFERENCE:
            kind = kinds.get(name, "matrices of pixels")
            said = " ".join(map(str, value)) if isinstance(value, tuple) else value
            raise DataError(f"{file}: {name}={said} is for {kind}; this file is none that is known")


def _refuse_other_containers(file: Path, start: bytes) -> None:
    """Say what to do with containers that are not read."""
    if start[:4] in (b"CDF\x01", b"CDF\x02", b"CDF\x05"):
        raise FileFormatError(f"{file}: netCDF of version 3 is not read; nccopy -k nc4 makes a readable one of it")
    if start[:4] == b"\x0e\x03\x13\x01":
        raise FileFormatError(f"{file}: HDF4 is not read (of Hyperion take L1T or L1Gst instead of L1R)")
    if start[:4] == b"PK\x03\x04" and file.suffix.lower() == ".npz":
        with reading(file, "not a readable .npz file"), zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()[:20]]
        raise DataError(f"{file}: holds {', '.join(names)}; expected a cube alone, saved as .npy")


def open_cube(
    path: str | PathLike[str],
    key: str | None = None,
    axes: str | None = None,
    *,
    mask: str | Sequence[str] = (),
    ortho: bool = True,
    overlap: str = "longer",
    shape: Sequence[int] | None = None,
    dark: str | PathLike[str] | None = None,
    white: str | PathLike[str] | None = None,
) -> CubeReader:
    """Open a cube without reading its values.

    Args:
        path: A GeoTIFF, an ENVI header or its data file, another raster that GDAL opens, a .mat file (version 5 or
            7.3), an HDF5 or netCDF-4 file or a .npy file; or a sensor's product (:mod:`mmhsi.io.products`): its folder,
            its zip file or any file of it; a folder of Zarr, version 3 (``pip install 'mmhsi[zarr]'``); an asset of a
            STAC item, ``item.json#asset``; the tiles of one scene by a pattern of their names, ``'tiles/*.tif'``
            (:class:`mmhsi.io.readers.mosaic.MosaicReader`); where ``MMHSI_ALLOW_NETWORK=1`` allows it, a GeoTIFF on a
            server (``https://…``, ``s3://…``, ``/vsis3/…``).
        key: The variable of a .mat or HDF5 file, None for the only one that may be meant; of a TIFF of several pages
            the number of one, from 1. With `key` or `axes` a product's file is read as any other file.
        axes: Of an array in a .mat, HDF5 or .npy file which axis is which, in the order of its shape, such as
            ``"y x band"``; ``-`` stands for an axis of length 1 that is left out. Default None: what the file says; of
            .mat and .npy files ``"y x band"``.
        mask: Quality layers of a product that make a pixel invalid: ``"cloud"``, ``"shadow"``, ``"haze"``,
            ``"cirrus"``, ``"snow"``, ``"saturation"``. Default: none.
        ortho: Whether a product in the sensor's geometry is put onto the map grid by its lookup table. Default True.
        overlap: Whose bands are good where two detectors of a product measure the same wavelengths: ``"longer"`` (the
            detector of the longer wavelengths, the default), ``"shorter"`` or ``"both"``.
        shape: (rows, columns) of a cube stored as a matrix of pixels; `axes` is then ``"band pixel"`` or
            ``"pixel band"``, with ``/F`` after it where pixels are counted down the columns and ``/C`` where they are
            counted along the rows. Default: the axis that fits; /F for .mat files, /C for others.
        dark: Dark reference of a lab camera's raw ENVI file. Default: the one beside it.
        white: White reference, likewise; ``"none"`` for raw values as they are.

    Returns:
        The reader, to be used in a ``with`` statement.

    Raises:
        FileFormatError: The file is missing, empty, a folder of no product, damaged or of another format.
        DataError: The file holds no cube of real numbers, `key` is not in it, several may be meant and none is named,
            it does not say which axis is which, or an option does not fit it.
        ConfigError: An option is none that is known.
    """
    options = dict(mask=mask, ortho=ortho, overlap=overlap, shape=shape, dark=dark, white=white)
    return open_reader(path, key, 3, axes, CubeOptions.of(options))


def read_cube(
    path: str | PathLike[str] | HSICube | ArrayLike,
    key: str | None = None,
    window: Sequence[int] | None = None,
    bands: Iterable[int] | None = None,
    axes: str | None = None,
    *,
    mask: str | Sequence[str] = (),
    ortho: bool = True,
    overlap: str = "longer",
    shape: Sequence[int] | None = None,
    dark: str | PathLike[str] | None = None,
    white: str | PathLike[str] | None = None,
) -> HSICube:
    """Read a cube, or a window or some bands of it; an array becomes one.

    Args:
        path: The file, as in :func:`open_cube`; or an array (H, W, C), one with `axes`, or an xarray ``DataArray``
            (:func:`mmhsi.io.arrays.cube_of`).
        key: As there.
        window: (row0, col0, height, width) in pixels; None means the whole scene.
        bands: 0-based bands in the order wanted; None means all.
        axes: As in :func:`open_cube`.
        mask: As there.
        ortho: As there.
        overlap: As there.
        shape: As there.
        dark: As there.
        white: As there.

    Returns:
        The cube (height, width, bands).

    Raises:
        FileFormatError: The file is missing, empty, a folder, damaged or of another format.
        DataError: The file holds no cube, or key, axes, window or bands do not fit it.
    """
    options = dict(mask=mask, ortho=ortho, overlap=overlap, shape=shape, dark=dark, white=white)
    if not is_path(path):
        if key is not None or CubeOptions.of(options).given():
            raise DataError("read_cube: key and options are for files; an array takes axes, window and bands alone")
        return cut_cube(cube_of(path, axes=axes), window, bands)
    with open_reader(cast("str | PathLike[str]", path), key, 3, axes, CubeOptions.of(options)) as reader:
        return reader.read(window, bands)
