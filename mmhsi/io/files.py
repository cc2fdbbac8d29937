"""What every reader and writer of files shares: one line about one that cannot be used, and files that appear whole."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import stat
import traceback
import uuid
from contextlib import contextmanager
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError, FileFormatError, MMHSIError

if TYPE_CHECKING:
    from collections.abc import Iterator

CUBE_FORMATS = (
    "a GeoTIFF, an ENVI .hdr or its data file, another raster that GDAL opens, a .mat, HDF5, netCDF or .npy file"
)

_FULL = os.strerror(errno.ENOSPC)
_NEXT_TO_NONE = 1 << 16
"""Bytes."""


def _beside(file: Path) -> str:
    """The file beside it that has much the same name, for a message; empty where none has."""
    try:
        close = get_close_matches(file.name, os.listdir(file.parent), n=1, cutoff=0.8)  # noqa: PTH208, names alone
    except (OSError, ValueError):
        return ""
    return f"; nearest: {close[0]!r}" if close else ""


def existing_file(path: str | PathLike[str], expected: str = CUBE_FORMATS) -> Path:
    """Check that a path leads to a file with something in it.

    Args:
        path: The file.
        expected: What should have been there, for the message.

    Returns:
        The path.

    Raises:
        FileFormatError: Nothing is there, or a folder, a pipe, a file that must not be read or one of 0 bytes.
    """
    file = Path(fspath(path))
    try:
        status = file.stat()
        readable = os.access(file, os.R_OK)
    except FileNotFoundError:
        raise FileFormatError(f"{file}: no such file{_beside(file)}; expected {expected}") from None
    except (OSError, ValueError) as exc:  # a loop of links, no permission, a name too long or with a zero byte
        raise FileFormatError(f"{file}: cannot be opened: {getattr(exc, 'strerror', None) or exc}") from exc
    if stat.S_ISDIR(status.st_mode):
        raise FileFormatError(f"{file}: is a folder; expected {expected}")
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for somebody to write
        raise FileFormatError(f"{file}: is a pipe or a device; expected {expected}")
    if not readable:
        raise FileFormatError(f"{file}: cannot be opened: no permission to read it")
    if status.st_size == 0:
        raise FileFormatError(f"{file}: the file is empty (0 bytes); expected {expected}")
    return file


def reason(exc: BaseException) -> str:
    """The innermost message of a chain of exceptions, on one line.

    Args:
        exc: The outermost.
    """
    while exc.__cause__ is not None:
        exc = exc.__cause__
    return " ".join(str(exc).split()) or type(exc).__name__


def origin(exc: BaseException) -> str:
    """What an unforeseen exception is, and the line of code that raised it.

    Args:
        exc: Caught.
    """
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{type(exc).__name__} in {'/'.join(Path(frame.filename).parts[-2:])}, line {frame.lineno}"


@contextmanager
def reading(path: str | PathLike[str], problem: str) -> Iterator[None]:
    """Turn whatever a file library raises inside the block into one line.

    Args:
        path: The file being read.
        problem: What it means if the block fails, such as ``'not a readable .mat file'``.

    Raises:
        FileFormatError: The block raised anything but an error of mmhsi or a shortage of memory.
        DataError: Memory does not last.
    """
    try:
        yield
    except MMHSIError:
        raise
    except MemoryError as exc:
        raise DataError(f"{fspath(path)}: memory does not last to read it: {reason(exc)}") from exc
    # On a damaged file scipy, h5py and numpy raise anything from struct.error to zlib.error and TypeError: there is
    # no common class to name.
    except Exception as exc:
        raise FileFormatError(f"{fspath(path)}: {problem}: {reason(exc)}") from exc


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[None]:
    """Turn whatever a file library raises while it writes into one line.

    Args:
        path: The file under its final name.

    Raises:
        DataError: The block raised anything but an error of mmhsi or a shortage of memory.
    """
    try:
        yield
    except (MMHSIError, MemoryError):
        raise
    except Exception as exc:
        why = _FULL if _is_full(Path(fspath(path)).parent) else reason(exc)
        raise DataError(f"{fspath(path)}: cannot write: {why}") from exc


def _is_full(folder: Path) -> bool:
    """Whether a disk has next to no room, of which GDAL says that a file is of no format it knows."""
    try:
        return shutil.disk_usage(folder).free < _NEXT_TO_NONE
    except OSError:
        return False


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a name to write a file under; at the end of the block it takes the place of the file, whole or not at all.

    When the block has ended, the file outlives a power cut.

    Args:
        path: The file; folders that are missing are made.

    Raises:
        DataError: As of :func:`writing`; what was there before stays.
    """
    out = Path(path)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.tmp")
    with writing(out):
        try:
            make_folder(out.parent)
            yield temporary
            put(temporary, out)
        finally:
            temporary.unlink(missing_ok=True)


def remove_begun(folder: Path, name: str = "*", mark: str = "[0-9a-f]" * 12) -> None:
    """Remove what processes that were killed had begun to write by :func:`replacing`.

    Args:
        folder: One in which nobody else writes.
        name: The file that was to be replaced, as a pattern.
        mark: The twelve digits between its name and ``.tmp``, as a pattern. Default: any.
    """
    for path in folder.glob(f".{name}.{mark}.tmp*"):  # a GeoTIFF's metadata lie beside it
        path.unlink(missing_ok=True)


def put(file: Path, path: Path) -> None:
    """Let a finished file take its name, in a way that outlives a power cut: first its bytes, then the name.

    What it replaces in another place may be removed afterwards, not before.

    Args:
        file: The file under a temporary name.
        path: Its name, in the same file system.

    Raises:
        OSError: The system refuses.
    """
    sync(file)
    file.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file's bytes, or the names in a folder, are on the disk.

    Args:
        path: File or folder.

    Raises:
        OSError: The disk refuses.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":  # opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not folder or error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system does so for folders
            raise
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, so that their names outlive a power cut.

    Args:
        path: The folder.

    Raises:
        OSError: The system refuses.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync(folder.parent)


def write_whole(path: str | PathLike[str], content: bytes | str) -> None:
    """Write a small file, whole or not at all (:func:`replacing`).

    Args:
        path: The file; folders that are missing are made.
        content: All of it; texts as UTF-8.

    Raises:
        DataError: The disk refuses.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: str | PathLike[str], content: object) -> None:
    """Write strict JSON, whole or not at all: what is no finite number is null.

    Args:
        path: The file; folders that are missing are made.
        content: Dicts, lists, texts, numbers.

    Raises:
        DataError: The disk refuses.
    """
    write_whole(path, json.dumps(strict(content), indent=1, allow_nan=False) + "\n")


def strict(content: object) -> object:
    """The same without NaN and infinite numbers, which JSON does not know: None in their place.

    Args:
        content: Dicts, lists, texts, numbers.
    """
    if isinstance(content, dict):
        return {key: strict(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [strict(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files one after another, by name.

    Args:
        path: File or folder.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if part.is_file():
            with part.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()
