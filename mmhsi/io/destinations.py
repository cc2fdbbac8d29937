"""What has to hold of the files that somebody wants written, before work starts."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError, MMHSIError
from mmhsi.io.files import make_folder
from mmhsi.io.readers.drivers import header_of
from mmhsi.io.readers.envi import data_file_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHAPEFILE = (".dbf", ".shx", ".prj", ".cpg")


def check_outputs(outputs: Iterable[str | Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Check that files can be written where they are wanted; missing folders are made.

    Args:
        outputs: Files to write, None for those not wanted.
        inputs: Files that must not be overwritten, nor what belongs to them: an ENVI header's data and the reverse, the
            parts of a shapefile.

    Raises:
        DataError: If one is an input or two are the same file, by whatever links, one is a folder, a pipe or a device
            or has a name of more than one line, or a folder cannot be made or written to.
    """
    read: set[object] = set()
    for given in (Path(path) for path in inputs if path is not None):
        for path in (given, *_belonging(given)):
            read |= _marks(path)
    taken: set[object] = set()
    for path in (Path(path) for path in outputs if path is not None):
        if not path.name.isprintable():
            raise DataError(f"{path}: has a name that cannot be printed on one line; give it another")
        if read & (marks := _marks(path)):
            raise DataError(f"{path}: is an input, or a part of one, and would be written over; give another name")
        if taken & marks:
            raise DataError(f"{path}: is named for two outputs; give each a name of its own")
        taken |= marks
        try:
            if path.is_dir():
                raise DataError(f"{path}: is a folder; expected a file name")
            if path.exists() and not path.is_file():
                raise DataError(f"{path}: is a pipe or a device; expected a file name")
            make_folder(path.parent)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise DataError(f"{path}: its folder cannot be written to: {error.strerror or error}") from error


def _marks(path: Path) -> set[object]:
    """By what a file is known: its name without links, and its number where it is there."""
    marks: set[object] = {os.path.realpath(path)}
    with suppress(OSError, ValueError):
        status = path.stat()
        marks.add((status.st_dev, status.st_ino))
    return marks


def _belonging(path: Path) -> list[Path]:
    """Other files without which an input is none."""
    found: list[Path] = []
    with suppress(MMHSIError, OSError, ValueError):
        if path.suffix.lower() == ".shp":
            found = [path.with_suffix(end) for end in _SHAPEFILE]
        elif path.suffix.lower() == ".hdr" and path.is_file():
            found = [data_file_of(path)]
        elif path.is_file() and (header := header_of(path)):
            found = [header]
    return found
