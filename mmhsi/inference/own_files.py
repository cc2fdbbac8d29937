"""What the command for many maps has written beside them, and what is somebody else's."""

from __future__ import annotations

import csv
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmhsi.errors import DataError
from mmhsi.io.file_states import file_state
from mmhsi.io.json_file import read_json, read_state, write_state

from .many_scenes import RECORDS, record_path
from .stac import item_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SUMMARY, FOOTPRINTS = "summary.csv", "footprints.gpkg"
COLUMNS = ["scene", "map", "status", "error", "seconds", "height", "width", "no data"]
"""Of the table, before those of the classes."""
OWN_RECORD = f"{RECORDS}/summary.json"
"""What was written beside the maps, in their folder, with its state: nothing else is ever removed."""

_VIRTUAL = re.compile(
    rb'<VRTDataset rasterXSize="\d+" rasterYSize="\d+">\n  <SRS>[^<]*</SRS>\n  <GeoTransform>[^<]*</GeoTransform>\n'
    rb'  <Metadata>\n    <MDI key="class_names">'
)
"""How a virtual mosaic begins; GDAL writes other attributes."""
_BEGIN = 65536
_TABLES = """SELECT name FROM sqlite_master WHERE type = 'table'
    AND name NOT GLOB 'gpkg_*' AND name NOT GLOB 'rtree_*' AND name NOT GLOB 'sqlite_*'"""
"""Those of a GeoPackage that are not the format's."""


class OwnFiles(NamedTuple):
    """What the command wrote of all maps, by its record.

    Attributes:
        earlier: All when it last ended; they may be other files now.
        same: Those that nobody has changed since.
        begun: What it was about to write when it was killed.
        mosaics: Of which maps each optimised mosaic was made.
    """

    earlier: frozenset[Path] = frozenset()
    same: frozenset[Path] = frozenset()
    begun: frozenset[Path] = frozenset()
    mosaics: Mapping[str, str] = {}


def own_files(folder: Path) -> OwnFiles:
    """What the command wrote of all maps.

    Args:
        folder: Of the maps.
    """
    path = folder / OWN_RECORD
    try:
        found = read_state(path, "a record of mmhsi predict") if path.exists() else {"files": []}
        states = {folder / Path(name).name: state for name, *state in found["files"]}
        same = {path for path, state in states.items() if path.is_file() and file_state(path) == state}
        begun = {folder / Path(name).name for name in found.get("begun", [])}
        return OwnFiles(frozenset(states), frozenset(same), frozenset(begun), dict(found.get("mosaics", {})))
    except (DataError, OSError, TypeError, KeyError, ValueError):
        return OwnFiles()


def note_files(folder: Path, written: Iterable[Path], mosaics: Mapping[str, str], begun: Iterable[Path] = ()) -> None:
    """Write the record.

    Args:
        folder: Of the maps.
        written: What there is now.
        mosaics: As of :class:`OwnFiles`.
        begun: What is about to be written: it is the command's own if it is killed. Default: nothing.

    Raises:
        DataError: The disk refuses.
    """
    states = [[path.name, *file_state(path)] for path in sorted(written) if path.exists()]
    state = {"files": states, "mosaics": dict(mosaics), "begun": sorted(path.name for path in begun)}
    write_state(folder / OWN_RECORD, state)


def check_own(folder: Path, outputs: Iterable[Path]) -> None:
    """Check that what is written of all maps takes the place of none but the command's own files.

    Its own are those that it has noted and nobody has changed, those that it was about to write when it was killed, and
    tables, footprints and virtual mosaics that look as it alone writes them: of a copied folder, of an older version
    without a note, or with the time of a GIS that has looked at them.

    Args:
        folder: Of the maps.
        outputs: Files in it, whether they are there or not.

    Raises:
        DataError: If something else is there.
    """
    there = [path for path in outputs if path.exists() or path.is_symlink()]
    for _ in range(2):  # another process may have noted it since
        own = own_files(folder)
        there = [path for path in there if path not in own.same | own.begun and not _looks_own(path)]
    if there:
        raise somebody_elses(there)


def is_own_map(path: Path) -> bool:
    """Whether a map and its STAC item, or what there is of them, are of the command.

    They are where a record says so, or where a process that was killed has left its folder of rows; else the item must
    be one of the command's own, of a map of which nobody has measured the accuracy.

    Args:
        path: The map.
    """
    record, left = record_path(path.parent, path.name), (f"{path}.partial", f"{path}.blocks")
    if record.exists() or any(map(os.path.isdir, left)):
        return True
    try:
        item: Any = read_json(item_path(path), "a STAC item")
        facts, files = item["properties"], [asset["href"] for asset in item["assets"].values()]
        return "mmhsi:model" in facts and facts["mmhsi:accuracy"] is None and path.name in files
    except (DataError, LookupError, TypeError, AttributeError):
        return False


def somebody_elses(paths: Sequence[Path]) -> DataError:
    """The error of files that would be written over.

    Args:
        paths: The files, at least one.
    """
    names = f"{paths[0]}, and {len(paths) - 1} more" if len(paths) > 3 else ", ".join(map(str, paths))
    are, them = ("are", "them") if len(paths) > 1 else ("is", "it")
    return DataError(
        f"{names}: {are} there, and not as mmhsi predict wrote {them}; move {them}, or give another --out-dir"
    )


def _looks_own(path: Path) -> bool:
    """Whether a table, footprints or a virtual mosaic are as the command alone writes them."""
    try:
        if not path.is_file():
            return False
        if path.name == SUMMARY:
            with path.open(encoding="utf-8", newline="") as file:
                columns = next(csv.reader(file), [])
            classes = [*zip(columns[len(COLUMNS) :: 2], columns[len(COLUMNS) + 1 :: 2], strict=True)]
            pairs = [(name, name.removesuffix("pixels") + "km2") for name, _ in classes]
            return columns[: len(COLUMNS)] == COLUMNS and classes == pairs
        if path.name == FOOTPRINTS:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
                tables = [name for (name,) in base.execute(_TABLES)]
                fields = [field for _, field, *_ in base.execute(f"PRAGMA table_info({path.stem})")]
            return tables == [path.stem] and fields[:4] == ["fid", "geom", "scene", "map"] and _areas_alone(fields[4:])
        if path.suffix == ".vrt":
            with path.open("rb") as file:
                return _VIRTUAL.match(file.read(_BEGIN)) is not None
    except (OSError, ValueError, csv.Error, sqlite3.Error):
        pass
    return False


def _areas_alone(fields: Iterable[str]) -> bool:
    return all(field.endswith(" km2") for field in fields)
