"""Class maps back from GeoTIFF files, with names and colours."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio

from mmhsi.errors import DataError, FileFormatError, one_line
from mmhsi.io.files import existing_file, reading
from mmhsi.io.gdal import local_files
from mmhsi.io.output import sidecar
from mmhsi.io.readers.drivers import driver_of
from mmhsi.io.readers.raster import without_georeference_warning
from mmhsi.io.readers.surroundings import check_surroundings
from mmhsi.io.xml_files import read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from numpy.typing import NDArray

NO_CLASS = 255
"""Class id of pixels without one."""

_NAMELESS = -1


@dataclass(frozen=True, eq=False)
class ClassMap:
    """A class map and what its ids mean.

    Attributes:
        classes: (H, W) class numbers 0..K-1, whatever their ids in the file; uint8, :data:`NO_CLASS` where none.
        names: K class names.
        palette: K RGB colours, 0-255.
        given_ids: Number of each class in the file; none stands for 0..K-1.

    Example:
        >>> import numpy as np
        >>> from mmhsi.io import read_class_map, write_class_map
        >>> palette = [(180, 120, 60), (0, 0, 255)]
        >>> write_class_map("map.tif", np.array([[0, 1]]), class_names=["soil", "water"], palette=palette)
        >>> read_class_map("map.tif").names
        ['soil', 'water']
    """

    classes: NDArray[np.uint8]
    names: list[str]
    palette: list[tuple[int, int, int]]
    given_ids: tuple[int, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Number of each class in the file."""
        return self.given_ids or tuple(range(len(self.names)))


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[rasterio.DatasetReader]:
    """A GeoTIFF that may be a class map."""
    file = existing_file(path, "a class map as GeoTIFF")
    if driver_of(file) != "GTiff":
        raise FileFormatError(f"{file}: not a readable class map; expected a GeoTIFF")
    check_surroundings(file)
    with (
        reading(file, "not a readable class map"),
        local_files(),
        without_georeference_warning(),
        rasterio.open(file.absolute(), driver="GTiff") as dataset,
    ):
        yield dataset


def named_ids(path: str | PathLike[str]) -> dict[str, int]:
    """The id of each class that a file names, as :class:`ClassMapWriter` writes them; empty where it names none.

    Args:
        path: The file; only a GeoTIFF (``.tif``, ``.tiff``) names classes.

    Raises:
        FileFormatError: It is missing, damaged or no GeoTIFF.
        DataError: Names and ids do not fit each other.
    """
    if Path(path).suffix.lower() not in (".tif", ".tiff"):
        return {}
    with _opened(path) as dataset:
        names, ids = _legend(dataset, path)
    if len(set(names)) < len(names):
        raise DataError(f"{path}: class_names={names} name one twice; expected one of its own for each class")
    return dict(zip(names, ids, strict=True))


def stated_names(path: str | PathLike[str]) -> dict[int, str]:
    """What a label map says that its ids mean: by the tag of maps of mmhsi, else by the categories that a GIS wrote.

    Args:
        path: The file; only a GeoTIFF (``.tif``, ``.tiff``), with GDAL's ``NAME.aux.xml`` beside it, names classes.

    Returns:
        Name of each id that has one; empty where the file says nothing.

    Raises:
        DataError: As of :func:`named_ids`.
    """
    named = {label: name for name, label in named_ids(path).items()}
    beside = sidecar(Path(path))
    if named or Path(path).suffix.lower() not in (".tif", ".tiff") or not beside.is_file():
        return named
    categories = read_xml(beside).findall("PAMRasterBand[@band='1']/CategoryNames/Category")
    texts = (one_line((one.text or "").strip()) for one in categories)
    return {label: text for label, text in enumerate(texts) if text}


def _legend(dataset: rasterio.DatasetReader, path: str | PathLike[str]) -> tuple[list[str], list[int]]:
    """Names and ids of the classes, both empty where there are none."""
    tags = dataset.tags()
    names = [one_line(str(name)) for name in json.loads(tags.get("class_names", "[]"))]
    first = int(dataset.nodata == 0)  # where 0 is no class
    ids = [int(label) for label in json.loads(tags.get("class_ids", "null")) or range(first, first + len(names))]
    if len(ids) != len(names) or len(ids) > NO_CLASS:
        raise DataError(f"{path}: {len(names)} class names, {len(ids)} ids; expected as many, at most {NO_CLASS}")
    if len(set(ids)) < len(ids):
        raise DataError(f"{path}: class_ids={ids} name one twice; expected one of its own for each class")
    return names, ids


def read_class_map(path: str | PathLike[str]) -> ClassMap:
    """Read what :class:`ClassMapWriter` wrote.

    Args:
        path: GeoTIFF with the tag ``class_names`` and a colour table, of at most 255 classes.

    Returns:
        The map.

    Raises:
        FileFormatError: The file is missing or damaged.
        DataError: It is a raster without names and colours, or holds a class without a name.
    """
    with _opened(path) as dataset:
        names, ids = _legend(dataset, path)
        if not names or dataset.dtypes[0] not in ("uint8", "uint16"):
            raise DataError(f"{path}: has no class names; a map written by mmhsi predict was expected")
        nodata = dataset.nodata
        table = dataset.colormap(1)
        palette = [table.get(label, (0, 0, 0))[:3] for label in ids]
        values = dataset.read(1)
    lookup = np.full(np.iinfo(values.dtype).max + 1, _NAMELESS, dtype=np.int64)
    lookup[NO_CLASS if nodata is None else int(nodata)] = NO_CLASS
    lookup[ids] = np.arange(len(ids))
    classes = lookup[values]
    if (classes == _NAMELESS).any():
        nameless = values[classes == _NAMELESS][0]
        raise DataError(f"{path}: class {nameless} has no name; the map names {len(names)} classes")
    return ClassMap(classes.astype(np.uint8), names, palette, tuple(ids))
