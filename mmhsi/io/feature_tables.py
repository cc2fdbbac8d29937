"""Features of points and polygons as GeoParquet, which GeoPandas, QGIS and DuckDB read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import existing_file, reading, replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray
    from rasterio.crs import CRS

KINDS = {1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
PREFIX = "feature_"
"""What the columns of features begin with, before their number."""


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of some places.

    Attributes:
        features: (n, d), float32.
        classes: Class of each as the file of places says it, (n,) str, "" where nothing.
        pixels: Pixels with data that each holds, (n,) int64.
        shapes: Well-known binary of each.
        crs: Coordinate system of the shapes, or None.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.str_]
    pixels: NDArray[np.int64]
    shapes: Sequence[bytes]
    crs: CRS | None = None


def write_feature_table(path: str | PathLike[str], table: FeatureTable, label_field: str = "class") -> None:
    """Write GeoParquet: ``geometry``, the classes, ``pixels``, and ``feature_0`` and so on.

    Args:
        path: The file, ``.parquet``.
        table: What it holds.
        label_field: Name of the column of classes. Default: ``class``.

    Raises:
        ConfigError: The suffix is another one, or pyarrow is not installed.
        DataError: The file cannot be written.
    """
    check_table_name(path)
    arrow, parquet = _import_arrow(path)
    columns: dict[str, Any] = {
        "geometry": arrow.array(list(table.shapes), arrow.binary()),
        label_field: arrow.array([str(name) or None for name in table.classes], arrow.string()),
        "pixels": arrow.array(table.pixels),
        **{f"{PREFIX}{index}": arrow.array(column) for index, column in enumerate(table.features.T)},
    }
    kinds = sorted({KINDS.get(shape[1], "GeometryCollection") for shape in table.shapes})
    crs = None if table.crs is None else table.crs.to_dict(projjson=True)
    column = dict(encoding="WKB", geometry_types=kinds, crs=crs)
    said = dict(version="1.1.0", primary_column="geometry", columns=dict(geometry=column))
    made = arrow.table(columns).replace_schema_metadata({"geo": json.dumps(said)})
    with replacing(path) as temporary:
        parquet.write_table(made, temporary, compression="zstd")


def read_feature_table(path: str | PathLike[str], label_field: str = "class") -> tuple[NDArray, NDArray[np.str_]]:
    """Read what :func:`write_feature_table` wrote as a table to learn from.

    Args:
        path: The file.
        label_field: Name of the column of classes. Default: ``class``.

    Returns:
        Features (n, d), float32, of the places that have a class and data, and their classes (n,).

    Raises:
        ConfigError: pyarrow is not installed.
        DataError: It has no such columns.
        FileFormatError: It is no Parquet file.
    """
    file = existing_file(path, "a .parquet file of mmhsi embed")
    _, parquet = _import_arrow(path)
    with reading(file, "not a readable Parquet file"):
        table = parquet.read_table(file)
    names = [name for name in table.column_names if name.startswith(PREFIX) and name[len(PREFIX) :].isdecimal()]
    if not names or label_field not in table.column_names:
        raise DataError(
            f"{file}: has no {label_field if names else f'{PREFIX}0'}; expected a file of mmhsi embed --at, it has "
            f"{', '.join(table.column_names[:8])}"
        )
    names.sort(key=lambda name: int(name[len(PREFIX) :]))
    features = np.stack([table[name].to_numpy().astype(np.float32) for name in names], axis=1)
    classes = np.array([name or "" for name in table[label_field].to_pylist()])
    kept = (classes != "") & np.isfinite(features).all(axis=1)
    return features[kept], classes[kept]


def check_table_name(path: str | PathLike[str]) -> None:
    """Refuse another suffix than ``.parquet``.

    Args:
        path: The file.

    Raises:
        ConfigError: It has another.
    """
    if Path(path).suffix.lower() not in (".parquet", ".geoparquet"):
        raise ConfigError(f"{path}: features of points and polygons are written as .parquet")


def _import_arrow(path: str | PathLike[str]) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(f"{path}: GeoParquet needs pyarrow; pip install 'mmhsi[parquet]'") from error
    return pyarrow, pyarrow.parquet
