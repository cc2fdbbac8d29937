"""What lies beside a raster, or is named by it, and must not make GDAL wait: pipes, devices, servers."""

from __future__ import annotations

import functools
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError
from mmhsi.io.files import existing_file
from mmhsi.io.readers.drivers import driver_of, others_may_take
from mmhsi.io.readers.raster_missing import check_nodata
from mmhsi.io.xml_files import read_xml

if TYPE_CHECKING:
    from xml.etree import ElementTree

_RASTERS = (".msk", ".ovr", ".aux", ".rrd")
"""Suffixes of rasters that GDAL opens unasked, with whatever driver takes them."""
_RASTER_DRIVERS = ("GTiff", "HFA")
_DEEPEST = 4
"""Virtual rasters in each other."""
_FILES = ("sourcefilename", "sourcedataset", "dempath", "srcdem")
"""Elements of a virtual raster, in lower case, whose text is the name of a file."""
_NEVER = ("pixelfunctioncode", "pixelfunctionlanguage", "group")
"""Elements of virtual rasters with code, or that are read by other means."""
_NODATA = ("nodatavalue", "nodata")
_MOST_SOURCES = 50_000
"""Of a virtual raster and of those within it, each counted as often as it is named."""
_SETTLED = 1.0
"""Seconds after which a folder's time of change is believed: it may be as coarse as some milliseconds."""


def check_surroundings(file: Path) -> None:
    """Check that GDAL can open a raster without waiting for anything that lies beside it.

    Args:
        file: The raster.

    Raises:
        FileFormatError: A pipe or a device lies in its folder, a sidecar is no raster, or refers elsewhere.
    """
    for beside in _beside(file):
        if not beside.stat().st_size:
            continue
        if beside.name.lower().endswith(".xml"):
            _check_metadata(beside)
        elif driver_of(beside) not in _RASTER_DRIVERS:
            raise FileFormatError(f"{beside}: is no GeoTIFF, as a mask or overview of {file.name} has to be")


def own_sidecars(file: Path) -> list[Path]:
    """Masks, overviews and GDAL's own metadata of a raster, not of others whose names begin alike.

    Args:
        file: The raster.

    Raises:
        FileFormatError: A pipe or a device lies in its folder.
    """
    name, stem = f"{file.name}.".lower(), file.stem.lower()
    ends = (*_RASTERS, ".aux.xml")
    return [path for path in _beside(file) if path.name.lower().startswith((name, *(stem + end for end in ends)))]


def _beside(file: Path) -> list[Path]:
    """All that GDAL might take for a sidecar of a raster."""
    folder = file.parent
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return []
    settled = time.time() - changed / 1e9 > _SETTLED
    names = (_kept_sidecars if settled else _sidecars)(folder, changed)
    own = (name for name in names if name.lower().startswith(f"{file.stem}.".lower()) and name != file.name)
    return [folder / name for name in own if (folder / name).is_file()]


def _sidecars(folder: Path, _changed: int) -> tuple[str, ...]:
    """Names of the sidecars in a folder without pipes and devices; `_changed` is its time of change."""
    names = []
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return ()  # a folder may allow to open what it does not list
    for entry in entries:
        if not entry.is_file(follow_symlinks=False) and not entry.is_dir(follow_symlinks=False):
            _require_no_pipe(Path(entry.path))
        if entry.name.lower().endswith((*_RASTERS, ".aux.xml")):
            names.append(entry.name)
    return tuple(names)


_kept_sidecars = functools.lru_cache(maxsize=64)(_sidecars)


def _require_no_pipe(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # a link to nothing
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise FileFormatError(f"{path}: is a pipe or a device; GDAL could wait for it when it opens files beside it")


def _check_metadata(path: Path) -> None:
    """GDAL's metadata beside a raster may name overviews anywhere."""
    for element in _elements(path):
        text = (element.text or "").strip()
        if element.tag.lower() in _NODATA:
            check_nodata(text, path)
        if element.get("key", "").upper() == "OVERVIEW_FILE" or "/vsi" in text.lower():
            raise FileFormatError(f"{path}: refers to another file ({text[:80]})")


def check_virtual(file: Path) -> list[Path]:
    """Check that a virtual raster and all that it is made of are local files of known formats.

    Args:
        file: The virtual raster.

    Returns:
        The files that it is made of, those of virtual rasters within it too.

    Raises:
        FileFormatError: A source is missing, is no raster of a known format, lies on a server, or leads back; there
            are too many; or the file holds code.
        DataError: A value for missing data is no number.
    """
    checked: dict[Path, int] = {}
    _check_virtual(file, (), checked)
    return list(checked)


def _check_virtual(file: Path, others: tuple[Path, ...], checked: dict[Path, int]) -> int:
    """How many sources there are; `checked` gets each file once, with the number of those that it is made of."""
    here = file.resolve()
    if len(others) > _DEEPEST or here in others:
        raise FileFormatError(f"{file}: virtual rasters lead back to each other, or are more than {_DEEPEST} deep")
    elements, count = _elements(file), 0
    for element in elements:
        tag = element.tag.lower()
        if tag in _NEVER or "vrtrawrasterband" in (value.lower() for value in element.attrib.values()):
            raise FileFormatError(
                f"{file}: a virtual raster with code, groups or raw bands is not read ({element.tag})"
            )
        if tag in _NODATA:
            check_nodata(element.text, file)
        for value in (element.text or "", *element.attrib.values()):
            if "/vsi" in value.lower():
                raise FileFormatError(f"{file}: refers to {value.strip()[:80]!r}, which is no local file")
        if tag not in _FILES:
            continue
        source = _source(file, element)
        if source not in checked:
            existing_file(source, f"a source of {file.name}")
            check_surroundings(source)
            driver = driver_of(source)
            if driver is None or (driver != "VRT" and others_may_take(source)):  # GDAL chooses its driver
                raise FileFormatError(f"{file}: its source {source} is of no format that is read")
            checked[source] = _check_virtual(source, (*others, here), checked) if driver == "VRT" else 1
        count += checked[source]
        if count > _MOST_SOURCES:
            raise FileFormatError(f"{file}: a virtual raster of more than {_MOST_SOURCES} sources is not read")
    return max(count, 1)


def _source(file: Path, element: ElementTree.Element) -> Path:
    """Path of a source as GDAL finds it."""
    name = (element.text or "").strip()
    attributes = {key.lower(): value for key, value in element.attrib.items()}
    relative = attributes.get("relativetovrt", "0") == "1"
    if not name or ":" in name.split("/")[0] or not (relative or name.startswith("/")):
        raise FileFormatError(
            f"{file}: its source {name[:80]!r} is no local file; expected an absolute path, or one with relativeToVRT=1"
        )
    return file.parent / name


def _elements(path: Path) -> list[ElementTree.Element]:
    """All elements of an XML file."""
    return list(read_xml(path).iter())
