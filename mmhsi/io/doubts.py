"""What is said of a file that can be read, but says something doubtful of itself."""

from __future__ import annotations

import warnings
from collections import Counter
from os import PathLike, fspath
from pathlib import Path

from mmhsi.errors import DataWarning

MOST_FILES = 20
"""Files of one folder that are warned of for the same reason: ten thousand tiles are no ten thousand lines."""

_said: Counter[tuple[Path, str]] = Counter()
_files: set[tuple[Path, str]] = set()


def doubt(path: str | PathLike[str], kind: str, text: str) -> None:
    """Warn of a file, once for each reason.

    Args:
        path: The file.
        kind: The reason, in a word.
        text: One line: what the file says, and how it is understood.
    """
    file = Path(fspath(path))
    if (file, kind) in _files or _said[file.parent, kind] > MOST_FILES:
        return
    _files.add((file, kind))
    _said[file.parent, kind] += 1
    more = "; more files of this folder are not named" if _said[file.parent, kind] > MOST_FILES else ""
    warnings.warn(f"{file}: {text}{more}", DataWarning, stacklevel=2)
