"""JSON files that others may have written, cut or damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeGuard

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file, reason

if TYPE_CHECKING:
    from os import PathLike

MOST_BYTES = 256 << 20


def read_json(path: str | PathLike[str], expected: str) -> object:
    """Read a JSON file.

    Args:
        path: The file.
        expected: What it should hold, for the message, such as ``'a report of mmhsi test --out'``.

    Returns:
        What it holds.

    Raises:
        DataError: It is missing, no JSON, too deep, larger than 256 MB, or has a name twice in one object.
    """
    file = existing_file(path, expected)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"{file.stat().st_size} bytes")
        return json.loads(file.read_bytes(), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: not {expected} ({reason(error)})") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object's entries; of two with one name neither is the right one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)[:40]!r} twice in one object")
    return found


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number that a table can show.

    Args:
        value: The value.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300
