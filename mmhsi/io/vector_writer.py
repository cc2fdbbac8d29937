"""Features for a GIS: points to label, and the areas of a class map."""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from rasterio.features import shapes, sieve

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import make_folder, put, writing
from mmhsi.io.gdal import local_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".fgb": "FlatGeobuf", ".shp": "ESRI Shapefile"}
_BESIDE = {".shp": (".prj", ".cpg", ".qix", ".sbn", ".sbx"), ".gpkg": (".gpkg-wal", ".gpkg-shm", ".gpkg-journal")}
"""Suffixes of files that would be taken for parts of a new file, whichever they were of."""
_SHAPEFILE_NAME = 10
"""Bytes of a field's name."""


def write_points(
    path: str | PathLike[str],
    places: NDArray[np.float64],
    fields: Mapping[str, NDArray],
    crs: CRS | None = None,
    transform: Affine | None = None,
) -> None:
    """Write points, for drawing labels on.

    Args:
        path: GeoPackage, GeoJSON, FlatGeobuf or shapefile, by its suffix; a file of that name is replaced.
        places: (column, row) of each point on the cube's grid, (N, 2).
        fields: Values of each field, (N,). None stands for nothing in fields of objects.
        crs: The cube's coordinate system, or None.
        transform: Its transform. Default: places stay pixels, with rows that count from 0 downwards as QGIS has them.

    Raises:
        ConfigError: The suffix is unknown.
        DataError: The file cannot be written.
    """
    geometries = [struct.pack("<BIdd", 1, 1, *place) for place in _on_map(places, transform)]
    _write(path, geometries, fields, "Point", crs)


def write_areas(
    path: str | PathLike[str],
    classes: NDArray[np.integer],
    names: Sequence[str],
    ids: Sequence[int],
    crs: CRS | None = None,
    transform: Affine | None = None,
    smallest: int = 1,
) -> int:
    """Write the connected areas of a class map as polygons along its pixels' edges, with ``class`` and ``id``.

    Nothing is simplified: drawn on the same grid by pixel centres, the polygons give the map again.

    Args:
        path: As in :func:`write_points`.
        classes: Class indices, (H, W), 255 where there is none.
        names: Class names.
        ids: Number of each class.
        crs: Coordinate system of the map, or None.
        transform: Its transform, or None.
        smallest: Areas of fewer pixels, neighbours across corners left out, are given to the largest area beside them
            (GDAL's sieve). Default 1: all stay.

    Returns:
        Number of polygons.

    Raises:
        ConfigError: The suffix is unknown.
        DataError: The file cannot be written, or no pixel has a class.
    """
    values = classes.astype(np.uint8)
    geometries, found = [], []
    with local_files():
        if smallest > 1:
            values = sieve(values, smallest, mask=values != 255)
        for shape, value in shapes(values, mask=values != 255, connectivity=4):
            rings = [_on_map(np.array(ring, dtype=float), transform) for ring in shape["coordinates"]]
            parts = [struct.pack("<I", len(ring)) + ring.astype("<f8").tobytes() for ring in rings]
            geometries.append(struct.pack("<BII", 1, 3, len(rings)) + b"".join(parts))
            found.append(int(value))
    if not found:
        raise DataError(f"{path}: no pixel has a class, there is nothing to write")
    fields = {"class": np.array([names[index] for index in found], dtype=object), "id": np.array(ids)[found]}
    _write(path, geometries, fields, "Polygon", crs)
    return len(found)


def write_multipolygons(
    path: str | PathLike[str], shapes: Sequence[bytes], fields: Mapping[str, NDArray], crs: CRS | None = None
) -> None:
    """Write multipolygons that are there as WKB.

    Args:
        path: As in :func:`write_points`.
        shapes: Little-endian WKB of each, N of them.
        fields: Values of each field, (N,).
        crs: Their coordinate system, or None.

    Raises:
        ConfigError: The suffix is unknown.
        DataError: The file cannot be written.
    """
    _write(path, shapes, fields, "MultiPolygon", crs)


def check_vector_name(path: str | PathLike[str], fields: Sequence[str] = ()) -> str:
    """OGR's driver for a file that is to be written.

    Args:
        path: The file.
        fields: Names of fields by which it is to be read back. Default: none.

    Raises:
        ConfigError: The suffix is unknown, or a shapefile would cut a field's name.
    """
    suffix = str(path).lower().rpartition(".")[2]
    if f".{suffix}" not in DRIVERS:
        raise ConfigError(f"{path}: a vector file is written as one of {', '.join(DRIVERS)}")
    long = [name for name in fields if suffix == "shp" and len(name.encode()) > _SHAPEFILE_NAME]
    if long:
        raise ConfigError(
            f"{path}: a shapefile's fields have at most {_SHAPEFILE_NAME} bytes of name, {long[0]!r} has more; "
            "write a .gpkg"
        )
    return DRIVERS[f".{suffix}"]


def _on_map(places: NDArray[np.float64], transform: Affine | None) -> NDArray[np.float64]:
    columns, rows = places.T
    if transform is None:
        return np.stack([columns, -rows], axis=1)
    return np.stack(
        [
            transform.a * columns + transform.b * rows + transform.c,
            transform.d * columns + transform.e * rows + transform.f,
        ],
        axis=1,
    )


def _write(
    path: str | PathLike[str], geometries: Sequence[bytes], fields: Mapping[str, NDArray], kind: str, crs: CRS | None
) -> None:
    from pyogrio.raw import write  # not at the top: it loads a GDAL of its own

    driver, file = check_vector_name(path), Path(path)
    with writing(file):
        make_folder(file.parent)
    # A folder, for a shapefile is several files.
    with writing(file), TemporaryDirectory(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent) as folder:
        made = Path(folder) / file.name
        write(
            str(made.absolute()),
            np.array(geometries, dtype=object),
            list(fields.values()),
            list(fields),
            geometry_type=kind,
            crs=None if crs is None else crs.to_wkt(),
            driver=driver,
        )
        for stale in _BESIDE.get(file.suffix.lower(), ()):
            file.with_suffix(stale).unlink(missing_ok=True)
        for part in sorted(made.parent.iterdir(), key=lambda part: part == made):  # what gives it its name comes last
            put(part, file.with_name(part.name))
