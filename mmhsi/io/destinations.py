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
    written = [Path(path) for path in outputs if path is not None]
    given = [Path(path) for path in inputs if path is not None]
    check_not_read(written, [part for path in given for part in (path, *belonging(path))])
    taken: set[object] = set()
    for path in written:
        if not path.name.isprintable():
            raise DataError(f"{path}: has a name that cannot be printed on one line; give it another")
        if taken & (marks := _marks(path, {})):
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


def check_not_read(
    outputs: Iterable[str | Path], inputs: Iterable[str | Path], instead: str = "give another name"
) -> None:
    """Check that no file that is written is one that is read, by whatever links.

    Args:
        outputs: Files to write, whether they are there or not.
        inputs: Files that are read, all of them.
        instead: What can be done, for the message.

    Raises:
        DataError: If one is.
    """
    folders: dict[str, str] = {}
    read = {mark for name in {os.fspath(path) for path in inputs} for mark in _marks(name, folders)}
    for path in outputs:
        if read & _marks(path, folders):
            raise DataError(f"{path}: is an input, or a part of one, and would be written over; {instead}")


def _marks(path: str | Path, folders: dict[str, str]) -> set[object]:
    """By what a file is known: its name without links, and its number where it is there; those of folders are kept."""
    name = os.fspath(path)
    marks: set[object] = set()
    with suppress(OSError, ValueError):
        status = os.stat(name)  # noqa: PTH116, of thousands
        marks.add((status.st_dev, status.st_ino))
    folder, last = os.path.split(name)
    if last in ("", "..") or os.path.islink(name):  # noqa: PTH114, likewise
        return marks | {os.path.realpath(name)}
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return marks | {f"{folders[folder]}{os.sep}{last}"}


def belonging(path: Path) -> list[Path]:
    """Other files without which one is none: an ENVI header's data and the reverse, the parts of a shapefile.

    Args:
        path: The file.
    """
    found: list[Path] = []
    with suppress(MMHSIError, OSError, ValueError):
        if path.suffix.lower() == ".shp":
            found = [path.with_suffix(end) for end in _SHAPEFILE]
        elif path.suffix.lower() == ".hdr" and path.is_file():
            found = [data_file_of(path)]
        elif path.is_file() and (header := header_of(path)):
            found = [header]
    return found
