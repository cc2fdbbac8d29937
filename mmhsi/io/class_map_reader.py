"""Class maps back from GeoTIFF files, with names and colours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rasterio

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.files import existing_file, reading
from mmhsi.io.gdal import local_files
from mmhsi.io.readers.drivers import driver_of
from mmhsi.io.readers.raster import without_georeference_warning
from mmhsi.io.readers.surroundings import check_surroundings

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from numpy.typing import NDArray

NO_CLASS = 255
"""Class id of pixels without one."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """A class map and what its ids mean.

    Attributes:
        classes: (H, W) class numbers 0..K-1, :data:`NO_CLASS` where there is none; uint8.
        names: K class names.
        palette: K RGB colours, 0-255.
    """

    classes: NDArray[np.uint8]
    names: list[str]
    palette: list[tuple[int, int, int]]


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
        tag, described = dataset.tags().get("class_names"), dataset.dtypes[0] == "uint8"
        if tag is None or not described:
            raise DataError(f"{file}: has no class names; a map written by tools/predict.py was expected")
        names, table, nodata = [str(name) for name in json.loads(tag)], dataset.colormap(1), dataset.nodata
        classes = dataset.read(1)
    if nodata is not None:
        classes[classes == nodata] = NO_CLASS
    wrong = (classes >= len(names)) & (classes != NO_CLASS)
    if wrong.any():
        raise DataError(f"{file}: class {classes[wrong][0]} has no name; the map names {len(names)} classes")
    return ClassMap(classes, names, [table[index][:3] for index in range(len(names))])
