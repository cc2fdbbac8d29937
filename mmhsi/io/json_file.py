"""JSON files that others may have written, cut or damaged."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeGuard

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file, reason, strict, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
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


def write_state(path: str | PathLike[str], state: Mapping[str, object]) -> None:
    """Write what a later run goes on from, with a checksum, whole or not at all.

    Args:
        path: The file; folders that are missing are made.
        state: Texts, numbers, lists, dicts, by texts.

    Raises:
        DataError: The disk refuses.
    """
    content = strict(state)
    assert isinstance(content, dict)
    write_whole(path, json.dumps({**content, "checksum": _checksum(content)}, indent=1) + "\n")


def read_state(path: str | PathLike[str], expected: str) -> dict[str, Any]:
    """Read what :func:`write_state` wrote, of which nothing has to be doubted then.

    Args:
        path: The file.
        expected: What it should hold, for the message.

    Raises:
        DataError: As of :func:`read_json`, or its checksum is another one.
    """
    state = read_json(path, expected)
    if not isinstance(state, dict) or state.pop("checksum", None) != _checksum(state):
        raise DataError(f"{path}: not {expected} (another checksum)")
    return state


def _checksum(state: dict) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


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
