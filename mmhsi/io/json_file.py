"""JSON files that others may have written, cut or damaged."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file, reason, strict, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
    with _parsing(path, expected) as content:
        return json.loads(content, object_pairs_hook=_object)


@contextmanager
def _parsing(path: str | PathLike[str], expected: str) -> Iterator[bytes]:
    """Give a file's bytes; what the block finds wrong with them is one line."""
    file = existing_file(path, expected)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"{file.stat().st_size} bytes")
        yield file.read_bytes()
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
    rest = json.dumps(strict(state), indent=1)[1:] + "\n"
    write_whole(path, _checked(rest.encode()) + rest.encode())


def read_state(path: str | PathLike[str], expected: str) -> dict[str, Any]:
    """Read what :func:`write_state` wrote, of which nothing has to be doubted then.

    Args:
        path: The file.
        expected: What it should hold, for the message.

    Raises:
        DataError: As of :func:`read_json`, or its checksum is another one.
    """
    with _parsing(path, expected) as content:
        rest = content[_CHECKED:]
        if content[:_CHECKED] != _checked(rest):
            raise ValueError("another checksum")
        return json.loads(b"{" + rest)


def _checked(rest: bytes) -> bytes:
    """How a state begins that goes on so; it is parsed only where its bytes are the right ones."""
    return b'{\n "checksum": "%s",' % hashlib.sha256(rest).hexdigest().encode()


_CHECKED = len(_checked(b""))


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
