"""Which sensor's product a path leads to: a folder, a zip file, or any file of a product."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError, MMHSIError
from mmhsi.io.doubts import doubt
from mmhsi.io.files import CUBE_FORMATS, reading
from mmhsi.io.products.base import PRODUCTS, Hdf5Product, Product
from mmhsi.io.products.reader import ProductReader
from mmhsi.io.products.unpacking import archived_names, is_extra, unpacked
from mmhsi.io.readers.hdf5_opening import open_hdf5
from mmhsi.io.readers.surroundings import check_surroundings

if TYPE_CHECKING:
    from mmhsi.io.cube_options import CubeOptions
    from mmhsi.io.readers.base import CubeReader

_ZIPS = 2
"""Zip files in each other, as some archives deliver a product."""
_CUBES = (".tif", ".tiff", ".hdr", ".mat", ".h5", ".hdf5", ".he5", ".nc", ".npy")
"""Ends of a file that is meant, where it is the only one of a folder that is named."""
_SIGNATURES = (b"\x89HDF\r\n\x1a\n", b"PK\x03\x04")


def open_product(path: str | os.PathLike[str], options: CubeOptions) -> CubeReader | None:
    """Open a path as a product.

    Args:
        path: A folder, a zip file or a file.
        options: How it is read.

    Returns:
        The reader; None where a file is of no product that is known.

    Raises:
        FileFormatError: A folder or a zip file holds no product, or the product is damaged, incomplete or of a level
            that is not read.
        DataError: The product does not fit the options.
    """
    product = find_product(Path(os.fspath(path)))
    if product is None:
        return None
    with reading(path, f"{product.title}: what it says of itself cannot be read"):
        described = product.describe(options)
    reader = ProductReader(path, product.title, described, options, product.file)
    _ = reader.stored  # what is wrong is said now
    return reader


def find_product(path: Path) -> Product | None:
    """The product that a path leads to; arguments, result and errors as for :func:`open_product`."""
    if os.path.isdir(path):  # noqa: PTH112, Path raises where a name is too long or a folder closed
        return _in_folder(path, path)
    if not os.path.isfile(path):  # noqa: PTH113
        return None
    with reading(path, "cannot be opened"), path.open("rb") as file:
        start = file.read(8)
    if start[:4] == _SIGNATURES[1] and path.suffix.lower() == ".zip":
        names = archived_names(path)
        inner = [name for name in names if name.lower().endswith(".zip")]
        if len(inner) != 1 and not any(kind.is_main(name) for kind in PRODUCTS for name in names):
            raise FileFormatError(f"{path}: holds no product that is known ({_known()})")
        return _in_folder(unpacked(path), path, _ZIPS - 1)
    if start == _SIGNATURES[0]:
        return _by_content(path, path)
    return _by_name(path)


def _by_name(path: Path) -> Product | None:
    """By the name of any of its files."""
    beside: list[str] | None = None
    for kind in PRODUCTS:
        if issubclass(kind, Hdf5Product):
            continue
        if kind.member is not None or kind.is_main(path.name):
            if beside is None:
                beside = sorted(os.listdir(path.parent))  # noqa: PTH208, names alone are wanted
            name = kind.main_name(path.name, beside)
            if name == "":
                doubt(
                    path,
                    "metadata",
                    f"a file of {kind.title} without the product's metadata file ({_shown(kind.main)}) beside it; read "
                    "as it is, without what that says of scale, wavelengths and quality",
                    below=2,
                )
                return None
            if name is not None:
                check_surroundings(path.parent / name)
                return kind(path.parent / name, path)
    return None


def _shown(pattern: str) -> str:
    """A pattern of names as people read it: an ellipsis for what may stand there."""
    return pattern.replace(".*", "…").replace("\\.", ".")


def _by_content(file: Path, path: Path) -> Product | None:
    """By what an HDF5 file holds."""
    with reading(path, "not a readable HDF5 file"), open_hdf5(file) as content:
        for kind in PRODUCTS:
            if issubclass(kind, Hdf5Product) and kind.holds(content):
                return kind(file, path)
    return None


def _listed(folder: Path, path: Path) -> tuple[list[str], list[Path]]:
    """Names of the files and paths of the folders in a folder."""
    with reading(path, "cannot be looked at"):
        listed = sorted(os.scandir(folder), key=lambda entry: entry.name)
        entries = [entry for entry in listed if not is_extra(entry.name)]
        return [entry.name for entry in entries if entry.is_file()], [Path(one.path) for one in entries if one.is_dir()]


def _among(names: list[str], folder: Path, path: Path) -> list[Product]:
    """The products among the files of a folder."""
    found: list[Product] = []
    for kind in PRODUCTS:
        if not issubclass(kind, Hdf5Product):
            mains = [name for name in names if kind.is_main(name)]
            found += [kind(folder / name, path) for name in mains[: 1 if kind.many_mains else None]]
    for name in names:
        if Hdf5Product.is_main(name):
            product = _by_content(folder / name, path)
            found += [product] if product is not None and not product.is_companion() else []
    return found


def _in_folder(folder: Path, path: Path, zips: int = _ZIPS) -> Product:
    """The only product in a folder, or in the only folder or zip file in it, ``zips`` deep at most."""
    names, inner = _listed(folder, path)
    found = _among(names, folder, path)
    if len(found) == 1:
        check_surroundings(found[0].file)
        return found[0]
    if found:
        few = ", ".join(product.file.name for product in found[:6])
        raise FileFormatError(f"{path}: holds {len(found)} products; name one of {few}")
    if len(inner) == 1:
        return _in_folder(inner[0], path, zips)
    packed = [folder / name for name in names if name.lower().endswith(".zip")]
    if len(packed) == 1 and not inner and zips:
        return _in_folder(unpacked(packed[0]), path, zips - 1)
    if path.is_file():
        raise FileFormatError(f"{path}: holds no product that is known ({_known()})")
    held = [one for one in inner if _holds_one(one)] + packed
    cubes = [folder / name for name in names if name.lower().endswith(_CUBES)]
    if held or len(cubes) == 1:
        held = held or cubes
        few = ", ".join(one.relative_to(folder).as_posix() for one in held[:6]) + ", …" * (len(held) > 6)
        which = "that" if len(held) == 1 else "one of them"
        raise FileFormatError(f"{path}: is a folder, and itself no product; it contains {few}: give {which}")
    raise FileFormatError(f"{path}: is a folder; expected {CUBE_FORMATS}, or the folder of a product ({_known()})")


def _holds_one(folder: Path) -> bool:
    """Whether a folder is one product's."""
    try:
        return len(_among(_listed(folder, folder)[0], folder, folder)) == 1
    except MMHSIError:
        return False


def _known() -> str:
    return ", ".join(sorted(kind.title for kind in PRODUCTS))
