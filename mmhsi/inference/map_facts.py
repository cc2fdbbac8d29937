"""What a table of many maps says of each: where it lies, and how much of each class there is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.windows import Window

from mmhsi.io.files import reading
from mmhsi.io.gdal import local_files
from mmhsi.io.readers.raster import without_georeference_warning

from .outline import outline

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 256
"""That are read at a time: those of a tile."""


@dataclass(frozen=True)
class MapFacts:
    """Facts of a map, as plain values.

    Attributes:
        size: [height, width] in pixels.
        dtype: Of its numbers.
        nodata: Number of pixels without data; None where they are NaN.
        classes: Class names; none of a map of values, and so below.
        ids: Number of each class.
        palette: RGB colour of each class.
        pixels: Pixels of each class.
        empty: Pixels without data.
        crs: Coordinate system as WKT; empty without one.
        transform: Its six numbers, as GDAL orders them.
        pixel_area: Square metres of a pixel; None where the map's units are not lengths.
        outline: Rings through its corners (:func:`mmhsi.inference.outline.outline`); None where it has no place.
    """

    size: list[int]
    dtype: str
    nodata: int | None
    classes: list[str]
    ids: list[int]
    palette: list[list[int]]
    pixels: list[int]
    empty: int
    crs: str
    transform: list[float]
    pixel_area: float | None
    outline: list[list[list[float]]] | None


def map_facts(path: Path) -> MapFacts:
    """Read a map's facts, some rows at a time.

    Args:
        path: Written by :meth:`mmhsi.inference.SceneInferencer.write_map`.

    Raises:
        FileFormatError: If it cannot be read.
    """
    with (
        reading(path, "not a readable map"),
        local_files(),
        without_georeference_warning(),
        rasterio.open(path.absolute(), driver="GTiff") as file,
    ):
        height, width, of_values = file.height, file.width, np.dtype(file.dtypes[0]).kind == "f"
        names = [] if of_values else [str(name) for name in json.loads(file.tags()["class_names"])]
        ids = json.loads(file.tags().get("class_ids", "null")) or list(range(len(names)))
        table, nodata = ({}, None) if of_values else (file.colormap(1), int(file.nodata))
        counts = np.zeros(1 if of_values else np.iinfo(file.dtypes[0]).max + 1, dtype=np.int64)
        for row in range(0, height, ROWS):
            block = file.read(1, window=Window(0, row, width, min(ROWS, height - row)))
            counts += np.isnan(block).sum() if of_values else np.bincount(block.ravel(), minlength=len(counts))
        crs, place = file.crs, file.transform
        metres = crs.linear_units_factor[1] if crs is not None and crs.is_projected else None
        return MapFacts(
            size=[height, width],
            dtype=file.dtypes[0],
            nodata=nodata,
            classes=names,
            ids=[int(number) for number in ids],
            palette=[[int(value) for value in table[number][:3]] for number in ids],
            pixels=[int(counts[number]) for number in ids],
            empty=int(counts[nodata or 0]),
            crs="" if crs is None else crs.to_wkt(),
            transform=list(place.to_gdal()),
            pixel_area=None if metres is None else abs(place.determinant) * metres**2,
            outline=outline(file),
        )
