"""Label maps of the Toulouse Hyperspectral Data Set: polygons of nine images and a published split of their groups.

R. Thoreau et al., Toulouse Hyperspectral Data Set, 2023, arXiv:2311.08863: land cover drawn as polygons, which belong
to groups; a split gives every group to one part, so that parts are apart on the ground. Both come with the authors'
package TlseHypDataSet.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rasterio.features import rasterize

from mmhsi.errors import DataError
from mmhsi.io import open_cube, write_class_map
from mmhsi.io.files import existing_file, reason
from mmhsi.io.vectors import read_vector

from .catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

IMAGES = (
    "TLS_3d_2021-06-15_11-10-12_reflectance_rect",
    "TLS_1c_2021-06-15_10-41-20_reflectance_rect",
    "TLS_3a_2021-06-15_11-10-12_reflectance_rect",
    "TLS_5c_2021-06-15_11-40-13_reflectance_rect",
    "TLS_1d_2021-06-15_10-41-20_reflectance_rect",
    "TLS_9c_2021-06-15_12-56-29_reflectance_rect",
    "TLS_1b_2021-06-15_10-41-20_reflectance_rect",
    "TLS_1e_2021-06-15_10-41-20_reflectance_rect",
    "TLS_3e_2021-06-15_11-10-12_reflectance_rect",
)
"""The images, in the order of the polygons' field ``Image``, from 1."""
PARTS = ("train", "pool", "val", "test")
"""Parts by number in a split: labelled, to be labelled, validation, test."""
_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype")} | {
    (f"{package}.multiarray", "_reconstruct") for package in ("numpy.core", "numpy._core")
}


class _Numbers(pickle.Unpickler):
    """Arrays of numbers and nothing else: no other function of the file's choice is called."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"holds {module}.{name}, expected an array of numbers")
        return super().find_class(module, name)


def read_split(path: str | Path) -> NDArray[np.int64]:
    """Read one of the published splits, ``split_1.pkl`` to ``split_8.pkl``.

    Args:
        path: The file, a pickled array.

    Returns:
        The part of every group, numbered as in :data:`PARTS`, the groups in ascending order, (G,).

    Raises:
        DataError: If it is missing, holds anything but an array of numbers, or other numbers than 0 to 3.
    """
    file = existing_file(path, "a split of the Toulouse Hyperspectral Data Set")
    try:
        with file.open("rb") as stream:
            parts = _Numbers(stream).load()
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{file}: not a readable split ({reason(error)})") from error
    if not isinstance(parts, np.ndarray) or parts.dtype.kind not in "iu" or not np.isin(parts, range(4)).all():
        raise DataError(f"{file}: not a split, expected an array of whole numbers from 0 to 3, one a group")
    return parts.ravel().astype(np.int64)


def write_label_maps(
    root: str | Path, polygons: str | Path, split: str | Path, images: Sequence[str] = IMAGES
) -> list[Path]:
    """Draw the polygons of every part of a split on the grids of their images, and list the tiles.

    A pixel has the class of the polygon that its centre lies in, of several the last, as in the authors' code.

    Args:
        root: Folder of the data set, with ``images/NAME.bsq``, ``.hdr`` or ``.tif``.
        polygons: ``ground_truth.shp`` of the authors' package, fields ``Material``, ``Image`` and ``Group``.
        split: One of its ``split_N.pkl``.
        images: Names of the images, in the order of ``Image``.

    Returns:
        The lists that were written, ``splits/SPLIT/PART.csv``; the maps lie beside them in ``SPLIT/PART``.

    Raises:
        DataError: If a file is missing or damaged, or the split is of other groups.
    """
    root, split = Path(root), Path(split)
    material, image, group = (_numbers(polygons, field) for field in ("Material", "Image", "Group"))
    parts, groups = read_split(split), np.unique(group[group >= 0])
    if len(parts) != len(groups):
        raise DataError(f"{split}: is of {len(parts)} groups, {polygons} has {len(groups)}")
    part = np.full(len(group), -1)
    part[group >= 0] = parts[np.searchsorted(groups, group[group >= 0])]
    shapes = _shapes(polygons)
    info, folder = CATALOGUE["toulouse"], root / "splits" / split.stem
    names = ["no label", *info.classes]
    numbers = {label: index + 1 for index, label in enumerate(info.label_ids)}
    listed: dict[str, list[str]] = {name: ["image,mask"] for name in PARTS}
    for number, name in enumerate(images, 1):
        cube = _image(root, name)
        with open_cube(cube) as reader:
            header = reader.info
        if header.transform is None:
            raise DataError(f"{cube}: has no place on the ground, onto which polygons could be drawn")
        for index, wanted in enumerate(PARTS):
            chosen = np.flatnonzero((image == number) & (part == index) & np.isin(material, info.label_ids))
            if not chosen.size:
                continue
            drawn = rasterize(
                [(shapes[row], numbers[int(material[row])]) for row in chosen],
                header.shape[:2],
                transform=header.transform,
                dtype=np.uint8,
            )
            path = folder / wanted / f"{name}.tif"
            write_class_map(
                path,
                drawn,
                class_names=names,
                palette=[(0, 0, 0), *[(index * 7 % 256, index * 53 % 256, 128) for index in range(1, len(names))]],
                crs=header.crs,
                transform=header.transform,
            )
            listed[wanted].append(f"{cube.relative_to(root).as_posix()},{path.relative_to(root).as_posix()}")
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.csv" for name in PARTS]
    for file, lines in zip(files, listed.values(), strict=True):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


def _image(root: Path, name: str) -> Path:
    """The file of an image, as published or as the authors' code converts it."""
    for suffix in (".tif", ".hdr", ".bsq"):
        path = root / "images" / f"{name}{suffix}"
        if path.is_file():
            return path
    raise DataError(f"{root / 'images' / name}.hdr: missing, nor is there a .tif")


def _numbers(path: str | Path, field: str) -> NDArray[np.int64]:
    """A field of the polygons, -1 where it says nothing."""
    vector = read_vector(path, field)
    return np.array([int(value or -1) for value in vector.values])[vector.owners]


def _shapes(path: str | Path) -> list[dict[str, object]]:
    """Polygons as rasterio takes them."""
    return [
        dict(type="Polygon", coordinates=[ring.tolist() for ring in shape.rings])
        for shape in read_vector(path, "Material").shapes
    ]
