"""Labels that were drawn: points, lines and polygons with a class each, from the files of a GIS."""

from __future__ import annotations

import difflib
import re
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rasterio.crs import CRS

from mmhsi.errors import DataError, FileFormatError, one_line
from mmhsi.io.files import existing_file, reading
from mmhsi.io.gdal import NO_SERVERS
from mmhsi.io.geopackage import check_geopackage
from mmhsi.io.point_tables import read_points
from mmhsi.io.readers.surroundings import check_surroundings
from mmhsi.io.wkb import Shape, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from numpy.typing import NDArray

FORMATS = {
    ".gpkg": b"SQLite format 3\0",
    ".shp": b"\0\0\x27\x0a",
    ".fgb": b"fgb\x03",
    ".geojson": b"{",
    ".json": b"{",
    ".csv": b"",
}
"""First bytes by suffix: no other of OGR's drivers gets to see a file."""


OTHER_FORMATS = (".kml", ".kmz", ".gpx", ".gml", ".dxf", ".tab", ".mif", ".sqlite", ".gdb", ".dbf", ".shx", ".xlsx")
"""Ends of files that hold drawn labels or tables of them, too, and are not read."""

_ENDS = 1 << 16
"""Bytes at either end of a GeoJSON file in which its system is named."""
_NAMED_SYSTEM = re.compile(rb'"crs"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_IS_WGS_84 = re.compile(rb"CRS:*84\b|\b(4326|4979)\b")


@dataclass(frozen=True, eq=False)
class Vector:
    """Features of a file that have a geometry.

    Attributes:
        path: The file.
        shapes: S points, lines and polygons.
        owners: Feature of each, (S,) int64, from 0.
        values: What the field says of each of the N features, "" where nothing.
        numeric: Whether the field holds numbers; they are written without a point where they are whole.
        crs: Coordinate reference system, or None.
        in_pixels: Whether coordinates are (column, row) whatever the scene says of its place.
        may_be_pixels: Whether ``crs`` is the format's default rather than what somebody chose.
    """

    path: Path
    shapes: list[Shape]
    owners: NDArray[np.int64]
    values: list[str]
    numeric: bool
    crs: CRS | None
    in_pixels: bool = False
    may_be_pixels: bool = False


def is_vector(path: str | PathLike[str]) -> bool:
    """Whether a path names a vector file or a table of points, by its suffix.

    Args:
        path: File of labels.
    """
    return Path(path).suffix.lower() in (*FORMATS, *OTHER_FORMATS)


def read_vector(
    path: str | PathLike[str], field: str = "class", layer: str | None = None, option: str = "label_field"
) -> Vector:
    """Read a GeoPackage, shapefile, FlatGeobuf, GeoJSON, or a CSV table of points.

    Args:
        path: The file; what it is is told by its suffix and first bytes.
        field: Field of the classes, text or numbers. Texts are stripped and brought to Unicode's NFC.
        layer: Layer of a GeoPackage that has several.
        option: What a person names the field by, for messages. Default: ``'label_field'``.

    Returns:
        Its features.

    Raises:
        FileFormatError: The file is missing, damaged or of another format.
        DataError: Field or layer are not in it, several layers are and none is named, or a geometry cannot be used.
    """
    file = existing_file(path, "a GeoPackage, shapefile, FlatGeobuf, GeoJSON or a CSV table of points")
    suffix = file.suffix.lower()
    with file.open("rb") as stream:
        head = stream.read(512).lstrip(b"\xef\xbb\xbf \r\n\t") if suffix in (".geojson", ".json") else stream.read(16)
    if suffix not in FORMATS or not head.startswith(FORMATS[suffix]):
        what = (
            f"is no {suffix} file by its first bytes" if suffix in FORMATS else f"labels are not read from {suffix!r}"
        )
        helps = "; QGIS saves a layer as one (Export, Save Features As)" if suffix in OTHER_FORMATS else ""
        raise FileFormatError(
            f"{file}: {what}; expected a GeoPackage (.gpkg), shapefile (.shp, unpacked), FlatGeobuf (.fgb), GeoJSON "
            f"(.geojson) or a table of points (.csv), with a field of the classes{helps}"
        )
    if suffix == ".csv":
        table = read_points(file)
        _require_field(file, field, list(table.columns), option)
        texts = [_text(value) for value in table.columns[field]]
        if all(re.fullmatch(r"-?\d+(\.0*)?", text, re.ASCII) for text in texts if text):
            texts = [text.partition(".")[0] for text in texts]  # as a table of numbers with gaps is written
        numeric = all(_is_whole(text) for text in texts if text) and any(texts)
        crs = CRS.from_epsg(4326) if table.pair[1].startswith("lat") else None
        owners = np.arange(len(texts))
        return Vector(file, table.shapes, owners, texts, numeric, crs, in_pixels=table.pair[1] == "row")
    check_surroundings(file)
    if suffix == ".gpkg":
        check_geopackage(file)
    if suffix == ".shp":
        _check_length(file)
    encoded = suffix != ".shp" or ".cpg" in _shapefile_parts(file)
    return _read_layer(file, field, layer, suffix in (".geojson", ".json"), encoded, option)


def _check_length(file: Path) -> None:
    """Refuse a shapefile that was cut, of which GDAL leaves out the features that are lost."""
    with file.open("rb") as stream:
        needed = 2 * int.from_bytes(stream.read(28)[24:], "big")  # in words of two bytes
    if (size := file.stat().st_size) < needed:
        raise FileFormatError(f"{file}: it is cut: it has {size} of {needed} bytes")


def _shapefile_parts(file: Path) -> set[str]:
    """Suffixes of the files that a shapefile consists of."""
    parts = {other.suffix.lower() for other in file.parent.iterdir() if other.stem == file.stem}
    missing = [suffix for suffix in (".shx", ".dbf") if suffix not in parts]
    if missing:
        raise FileFormatError(
            f"{file}: a shapefile is several files; {' and '.join(file.stem + suffix for suffix in missing)} must lie "
            "beside it"
        )
    return parts


def _in_utf8(values: list[object]) -> list[object]:
    """Texts of a table that names no encoding and was taken for Latin-1, where all of them are UTF-8."""
    try:
        return [value.encode("latin-1").decode() if isinstance(value, str) else value for value in values]
    except UnicodeError:
        return values


def _read_layer(file: Path, field: str, layer: str | None, is_json: bool, encoded: bool, option: str) -> Vector:
    from pyogrio import list_layers, read_info  # not at the top: a scene with a label map needs no second GDAL
    from pyogrio.raw import read

    # The prefix keeps other drivers of JSON away, some of which open what the text names.
    source = f"GeoJSON:{file.absolute()}" if is_json else str(file.absolute())
    with reading(file, "not a readable vector file"), _no_servers():
        layers = [str(name) for name, _ in list_layers(source)]
        if layer is None and len(layers) > 1:
            raise DataError(f"{file}: has {len(layers)} layers, name one of {', '.join(layers)[:200]} (label_layer)")
        if layer is not None and layer not in layers:
            raise DataError(f"{file}: has no layer {layer!r}{_nearest(layer, layers)}")
        layer = layer or (layers[0] if layers else None)
        if layer is None:
            raise FileFormatError(f"{file}: has no layer of features; it is empty or damaged")
        about = read_info(source, layer=layer)
        if about["features"] == 0:
            raise DataError(f"{file}: has no features, expected some with a class")
        _require_field(file, field, [str(name) for name in about["fields"]], option)
        meta, _, geometries, columns = read(source, layer=layer, columns=[field], force_2d=True)
        crs = CRS.from_user_input(meta["crs"]) if meta["crs"] else None
        if crs is not None and not crs.is_projected and not crs.is_geographic:
            crs = None  # GeoPackage's "undefined" systems
        if is_json and crs == CRS.from_epsg(4326):
            _check_named_system(file)
    column = columns[0]
    if any(isinstance(value, (list, np.ndarray)) for value in column.tolist()):
        raise DataError(f"{file}: field {field!r} holds lists; expected one value a feature ({option})")
    numeric = column.dtype.kind in "iuf"
    values = [_text(value) for value in (column.tolist() if encoded else _in_utf8(column.tolist()))]
    shapes: list[Shape] = []
    counts = np.zeros(len(values), dtype=np.int64)
    if geometries is None:
        raise DataError(f"{file}: layer {layer!r} has no geometry, it is a table")
    for index, geometry in enumerate(geometries):
        if geometry is None:
            continue
        try:
            parts = decode(geometry)
        except ValueError as error:
            raise DataError(f"{file}: feature {index + 1} ({values[index] or 'no class'}): {error}") from None
        shapes += parts
        counts[index] = len(parts)
    owners = np.repeat(np.arange(len(values)), counts)
    vector = Vector(file, shapes, owners, values, numeric, crs, may_be_pixels=is_json and crs == CRS.from_epsg(4326))
    _check_rings(vector)
    return vector


def _check_named_system(file: Path) -> None:
    """Refuse a GeoJSON file that names a system which GDAL does not know and takes for WGS 84 in silence."""
    with file.open("rb") as stream:
        ends = stream.read(_ENDS)
        stream.seek(max(_ENDS, file.stat().st_size - _ENDS))
        named = _NAMED_SYSTEM.search(ends + stream.read())
    if named is not None and not _IS_WGS_84.search(named[1]):
        said = named[1].decode(errors="replace")[:100]
        raise DataError(f"{file}: names a coordinate system that is not known: {said}; give the layer one (QGIS)")


def _check_rings(vector: Vector) -> None:
    """Refuse what has no place or no inside. A ring that crosses itself has one, by the even-odd rule."""
    if not vector.shapes:
        raise DataError(f"{vector.path}: holds no geometry")
    rings = [ring for shape in vector.shapes for ring in shape.rings]
    closed = np.repeat(
        [shape.kind == "Polygon" for shape in vector.shapes], [len(shape.rings) for shape in vector.shapes]
    )
    places = np.concatenate(rings)
    lengths = np.array([len(ring) for ring in rings])
    ends = lengths.cumsum()
    places_ok = np.logical_and.reduceat(np.isfinite(places).all(axis=1), ends - lengths)
    is_ring = (lengths >= 4) & (places[ends - lengths] == places[ends - 1]).all(axis=1)
    wrong = ~places_ok | (closed & ~is_ring)
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    shape = np.searchsorted(np.cumsum([len(shape.rings) for shape in vector.shapes]), first, side="right")
    feature = int(vector.owners[shape])
    what = "has a coordinate that is no number"
    if places_ok[first]:
        what = (
            f"has a ring of {lengths[first]} points that is no ring: one is closed and has at least 4 (QGIS: Fix "
            "geometries)"
        )
    raise DataError(f"{vector.path}: feature {feature + 1} ({vector.values[feature] or 'no class'}): it {what}")


def _require_field(file: Path, field: str, known: Sequence[str], option: str) -> None:
    if field not in known:
        raise DataError(f"{file}: has no field {field!r} ({option}){_nearest(field, known)}")


def _nearest(name: str, known: Sequence[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    meant = f"; nearest: {by_lower[near[0]]!r}" if near else ""
    return f", it has {', '.join(known)[:200] or 'none'}{meant}"


def _text(value: object) -> str:
    """A field's value as text that can be printed, "" for none."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return one_line(unicodedata.normalize("NFC", str(value)).strip())


def _is_whole(text: str) -> bool:
    return text.lstrip("-").isdecimal() and text.isascii()


@contextmanager
def _no_servers() -> Iterator[None]:
    """Within the block pyogrio's GDAL, which is not rasterio's, asks no server."""
    from pyogrio import get_gdal_config_option, set_gdal_config_options

    before = {name: get_gdal_config_option(name) for name in NO_SERVERS}
    set_gdal_config_options(NO_SERVERS)
    try:
        yield
    finally:
        set_gdal_config_options(before)
