"""Many maps on one page: a table, their footprints with areas by class, and a mosaic."""

from __future__ import annotations

import csv
import io
import struct
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from rasterio.crs import CRS

from mmhsi.io.files import write_whole
from mmhsi.io.lock import turn
from mmhsi.io.vector_writer import write_polygons

from .many_scenes import Record, read_record, record_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .map_facts import MapFacts

SUMMARY, FOOTPRINTS, MOSAIC = "summary.csv", "footprints.gpkg", "mosaic"


def write_summary(folder: Path, names: Iterable[str], known: Mapping[str, Record] | None = None) -> list[Path]:
    """Write what the records say of scenes: every process may when it is done, one after another.

    What the last one writes is of all of them.

    Args:
        folder: Of the maps.
        names: Of the maps, in order.
        known: Records by these names that this process has just read or written. Default: none; all are read.

    Returns:
        The files: the table; where maps have a CRS their footprints, and a mosaic of those that share CRS and pixels.

    Raises:
        DataError: If one cannot be written.
    """
    known = known or {}
    with turn(folder / f"{SUMMARY}.partial"):
        return _write(folder, [known.get(name) or read_record(record_path(folder, name)) for name in names])


def _write(folder: Path, records: Iterable[Record | None]) -> list[Path]:
    found = [record for record in records if record is not None]
    written = [folder / SUMMARY]
    write_whole(written[0], _table(found))
    placed = [record for record in found if record.facts is not None and record.facts.footprint]
    if placed:
        written.append(folder / FOOTPRINTS)
        _write_footprints(written[-1], placed)
    groups: dict[tuple, list[Record]] = {}
    for record in placed:
        facts = _facts(record)
        key = (facts.crs, *np.round(np.array(facts.transform)[[1, 2, 4, 5]], 9), facts.dtype, tuple(facts.ids))
        groups.setdefault(key, []).append(record)
    for number, group in enumerate(groups.values(), start=1):
        written.append(folder / (f"{MOSAIC}.vrt" if len(groups) == 1 else f"{MOSAIC}_{number}.vrt"))
        write_whole(written[-1], _mosaic(group))
    for earlier in {folder / FOOTPRINTS, *folder.glob(f"{MOSAIC}.vrt"), *folder.glob(f"{MOSAIC}_*.vrt")} - {*written}:
        earlier.unlink(missing_ok=True)  # of fewer maps, or of others
    return written


def _facts(record: Record) -> MapFacts:
    assert record.facts is not None  # of those that are chosen
    return record.facts


def _classes(records: Sequence[Record]) -> list[str]:
    """Names of all classes, in the order of the first map that has them."""
    return list(dict.fromkeys(name for record in records if record.facts for name in record.facts.classes))


def _areas(facts: MapFacts | None, names: Sequence[str]) -> list[float | None]:
    """Square kilometres of each class; None where the map has no lengths."""
    if facts is None or facts.pixel_area is None:
        return [None] * len(names)
    pixels = dict(zip(facts.classes, facts.pixels, strict=True))
    return [pixels.get(name, 0) * facts.pixel_area / 1e6 for name in names]


def _table(records: Sequence[Record]) -> str:
    names = _classes(records)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name} {unit}" for name in names for unit in ("pixels", "km2")]
    writer.writerow(["scene", "map", "status", "error", "seconds", "height", "width", "no data", *columns])
    for record in records:
        facts = record.facts
        pixels = dict(zip(facts.classes, facts.pixels, strict=True)) if facts else {}
        each = [
            [pixels.get(name, 0 if facts else ""), area] for name, area in zip(names, _areas(facts, names), strict=True)
        ]
        values = ["" if value is None else value for pair in each for value in pair]
        size = [*facts.size, facts.empty] if facts else ["", "", ""]
        status = "failed" if record.error else "done"
        writer.writerow([record.scene, record.map, status, record.error, record.seconds, *size, *values])
    return text.getvalue()


def _write_footprints(path: Path, records: Sequence[Record]) -> None:
    names = _classes(records)
    rings = [np.array([*(_facts(record).footprint or []), (_facts(record).footprint or [])[0]]) for record in records]
    areas = np.array([_areas(record.facts, names) for record in records], dtype=float).reshape(len(records), len(names))
    fields = {
        "scene": np.array([record.scene for record in records], dtype=object),
        "map": np.array([record.map for record in records], dtype=object),
        **{f"{name} km2": areas[:, index] for index, name in enumerate(names)},
    }
    shapes = [struct.pack("<BIII", 1, 3, 1, len(ring)) + ring.astype("<f8").tobytes() for ring in rings]
    write_polygons(path, shapes, fields, CRS.from_epsg(4326))


def _mosaic(records: Sequence[Record]) -> str:
    """A virtual raster of maps on one grid; where they overlap the later one lies above."""
    first = _facts(records[0])
    _, a, b, _, d, e = first.transform
    inverse = np.linalg.inv([[a, b], [d, e]])
    origin = np.array(first.transform)[[0, 3]]
    offsets = np.array([inverse @ (np.array(_facts(record).transform)[[0, 3]] - origin) for record in records])
    low = np.floor(offsets.min(axis=0) + 1e-6)
    sizes = np.array([_facts(record).size[::-1] for record in records])
    width, height = np.ceil((offsets - low + sizes).max(axis=0) - 1e-6).astype(int)
    left, top = origin + np.array([[a, b], [d, e]]) @ low
    kind = {"uint8": "Byte", "uint16": "UInt16"}[first.dtype]
    colours = dict(zip(first.ids, first.palette, strict=True))
    lines = [
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">',
        f"  <SRS>{escape(first.crs)}</SRS>",
        f"  <GeoTransform>{', '.join(repr(float(value)) for value in (left, a, b, top, d, e))}</GeoTransform>",
        f'  <VRTRasterBand dataType="{kind}" band="1">',
        f"    <NoDataValue>{first.nodata}</NoDataValue>",
        "    <ColorInterp>Palette</ColorInterp>",
        "    <ColorTable>",
    ]
    for number in range(max(colours) + 1):
        red, green, blue = colours.get(number, (0, 0, 0))
        lines.append(f'      <Entry c1="{red}" c2="{green}" c3="{blue}" c4="{255 if number in colours else 0}"/>')
    lines.append("    </ColorTable>")
    for record, (x, y), (columns, rows) in zip(records, offsets - low, sizes, strict=True):
        name, facts = escape(record.map), _facts(record)
        lines += [
            "    <ComplexSource>",
            f'      <SourceFilename relativeToVRT="1">{name}</SourceFilename>',
            "      <SourceBand>1</SourceBand>",
            f'      <SourceProperties RasterXSize="{columns}" RasterYSize="{rows}" DataType={quoteattr(kind)}/>',
            f'      <SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>',
            f'      <DstRect xOff="{x:.6f}" yOff="{y:.6f}" xSize="{columns}" ySize="{rows}"/>',
            f"      <NODATA>{facts.nodata}</NODATA>",
            "    </ComplexSource>",
        ]
    return "\n".join([*lines, "  </VRTRasterBand>", "</VRTDataset>", ""])
