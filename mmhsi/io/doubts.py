"""What is said of a file that can be read, but says something doubtful of itself."""

from __future__ import annotations

import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataWarning, FileFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 20
"""Files of one folder that are warned of for the same reason: ten thousand tiles are no ten thousand lines."""

_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)
_said: Counter[tuple[Path, str]] = Counter()
_files: set[tuple[Path, str]] = set()


@contextmanager
def heard_doubts() -> Iterator[list[str]]:
    """Collect what is doubtful of the files that are opened within the block, also what was warned of before.

    Yields:
        One line for each, which may come again.
    """
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def doubt(path: str | PathLike[str], kind: str, text: str, below: int | None = None) -> None:
    """Warn of a file, once for each reason, by whichever of its names it is opened.

    Args:
        path: The file.
        kind: The reason, in a word.
        text: One line: what the file says, and how it is understood.
        below: Of all files below the folder that lies as many steps above the file's own one alone is named: of tiles
            in folders of their own. Default: :data:`MOST_FILES` of its own folder.
    """
    if (heard := _heard.get()) is not None:
        heard.append(f"{fspath(path)}: {text}")
    file = _named(Path(fspath(path)).resolve())
    folder = file.parents[min(below or 0, len(file.parents) - 1)]
    most = 0 if below else MOST_FILES
    if (file, kind) in _files or _said[folder, kind] > most:
        return
    _files.add((file, kind))
    _said[folder, kind] += 1
    more = f"; this is not said of further files below {folder}" if _said[folder, kind] > most else ""
    warnings.warn(f"{fspath(path)}: {text}{more}", DataWarning, stacklevel=2)


def _named(file: Path) -> Path:
    """Of an ENVI pair the data file, whichever of the two was named."""
    from mmhsi.io.readers.envi import data_file_of

    if file.suffix.lower() == ".hdr":
        with suppress(FileFormatError):
            return data_file_of(file)
    return file
