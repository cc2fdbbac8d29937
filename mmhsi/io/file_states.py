"""What tells files, and folders that are read as files, from others and from earlier states of them."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_STORE = "zarr.json"
"""A reader of Zarr names such files alone; the values lie in others below their folder."""


def file_state(path: str | os.PathLike[str]) -> list[int]:
    """Bytes, and time of the last change in nanoseconds.

    Args:
        path: A file; or a folder, of which it is the bytes of all files below and a number that is another one when a
            name, a size or a time of change of them is.

    Raises:
        OSError: It is not there, or must not be read.
    """
    status = os.stat(path)  # noqa: PTH116, of thousands
    if not stat.S_ISDIR(status.st_mode):
        return [status.st_size, status.st_mtime_ns]
    found = sorted(_below(os.fspath(path), {(status.st_dev, status.st_ino)}))
    digest = hashlib.sha256(repr([(os.path.relpath(name, path), *state) for name, *state in found]).encode())
    return [sum(size for _, size, _ in found), int.from_bytes(digest.digest()[:7], "big")]


def file_states(paths: Iterable[Path]) -> list[list]:
    """State of each file (:func:`file_state`) with its path without links; of Zarr that of the whole folder.

    Args:
        paths: What a reader depends on (:attr:`mmhsi.io.readers.base.CubeReader.files`).

    Returns:
        [path, bytes, time or number] of each, sorted.

    Raises:
        OSError: As of :func:`file_state`.
    """
    found = {path.resolve() for path in paths}
    stores = {path.parent for path in found if path.name == _STORE}
    whole = {store for store in stores if stores.isdisjoint(store.parents)}
    single = {path for path in found if path not in whole and whole.isdisjoint(path.parents)}
    return sorted([str(path), *file_state(path)] for path in whole | single)


def _below(folder: str, passed: set[tuple[int, int]]) -> Iterator[tuple[str, int, int]]:
    """Path, bytes and time of every file below a folder; links are followed, none in a circle."""
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat()
            if not stat.S_ISDIR(status.st_mode):
                yield entry.path, status.st_size, status.st_mtime_ns
            elif (mark := (status.st_dev, status.st_ino)) not in passed:
                passed.add(mark)
                yield from _below(entry.path, passed)
