"""Many maps on one page: a table, their footprints with areas by class, and a mosaic."""

from __future__ import annotations

import csv
import io
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from rasterio.crs import CRS

from mmhsi.io.files import remove_begun, write_whole
from mmhsi.io.lock import turn
from mmhsi.io.vector_writer import write_multipolygons

from .many_scenes import Record, read_record, record_path
from .mosaics import mosaics
from .own_files import COLUMNS, FOOTPRINTS, SUMMARY, check_own, note_files, own_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .map_facts import MapFacts


def write_summary(
    folder: Path,
    names: Iterable[str],
    known: Mapping[str, Record] | None = None,
    more: Iterable[Record] = (),
    optimised: bool = False,
) -> list[Path]:
    """Write what the records say of scenes: every process may when it is done, one after another.

    What the last one writes is of all of them.

    Args:
        folder: Of the maps.
        names: Of the maps, in order.
        known: Records by these names that this process has just read or written. Default: none; all are read.
        more: Records of what has no map, and no name of one. Default: none.
        optimised: Whether mosaics are made as cloud-optimised GeoTIFFs too, as soon as every scene has a record.
            Default False; one that was made earlier of the same maps stays in any case.

    Returns:
        The files: the table; where maps have a CRS their footprints, and the mosaics of class maps that share CRS and
        pixels.

    Raises:
        DataError: If one cannot be written, or has the name of a file of somebody else's
            (:func:`mmhsi.inference.own_files.check_own`).
    """
    known = known or {}
    with turn(folder / f"{SUMMARY}.partial"):
        found = [known.get(name) or read_record(record_path(folder, name)) for name in names]
        return _write(folder, [*(record for record in found if record), *more], optimised and None not in found)


def _write(folder: Path, found: Sequence[Record], optimised: bool) -> list[Path]:
    placed = [record for record in found if record.facts is not None and record.facts.outline]
    made = mosaics(folder, placed)
    own = own_files(folder)
    standing = [one for one in made if one.files[0] in own.same and own.mosaics.get(one.files[0].name) == one.state]
    missing = [one for one in made if optimised and one not in standing]
    names = [SUMMARY, FOOTPRINTS] if placed else [SUMMARY]
    written = [*(folder / name for name in names), *(one.virtual for one in made)]
    check_own(folder, [*written, *(one.files[0] for one in missing)])
    kept = [path for one in standing for path in one.files if path in own.same]
    for path in {*own.same, *own.begun}.difference(written, kept):
        with suppress(OSError):
            path.unlink(missing_ok=True)  # of fewer maps, or of others
            remove_begun(folder, path.name)
    files = [path for one in missing for path in one.files if not path.exists()]  # a style that somebody has made stays
    states = {one.files[0].name: one.state for one in standing}
    note_files(folder, kept, states, [*written, *files])
    write_whole(folder / SUMMARY, _table(found))
    if placed:
        _write_footprints(folder / FOOTPRINTS, placed)
    for one in made:
        one.write_virtual()
    note_files(folder, [*written, *kept], states, files)
    for one in missing:
        one.write_optimised()
        states[one.files[0].name] = one.state
        kept += [path for path in one.files if path in files]
        note_files(folder, [*written, *kept], states, set(files).difference(kept))
    return [*written, *kept]


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
    writer.writerow([*COLUMNS, *columns])
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
    areas = np.array([_areas(record.facts, names) for record in records], dtype=float).reshape(len(records), len(names))
    fields = {
        "scene": np.array([record.scene for record in records], dtype=object),
        "map": np.array([record.map for record in records], dtype=object),
        **dict(zip(_fields(names), areas.T, strict=True)),
    }
    shapes = [_multipolygon(_facts(record).outline or []) for record in records]
    write_multipolygons(path, shapes, fields, CRS.from_epsg(4326))


def _multipolygon(rings: Sequence[Sequence[Sequence[float]]]) -> bytes:
    """Polygons without holes as WKB."""
    parts = [struct.pack("<BIII", 1, 3, 1, len(ring)) + np.array(ring, dtype="<f8").tobytes() for ring in rings]
    return struct.pack("<BII", 1, 6, len(parts)) + b"".join(parts)


def _fields(names: Sequence[str]) -> list[str]:
    """A field for each class; a GeoPackage tells no cases apart, and the later of two such classes has a number."""
    fields: dict[str, str] = {}
    for name in names:
        field, number = f"{name} km2", 2
        while field.casefold() in fields:
            field, number = f"{name} ({number}) km2", number + 1
        fields[field.casefold()] = field
    return [*fields.values()]
