"""What files were unpacked to: shared by processes, kept as long as there is room, removed when nobody uses it.

It lies below the environment's ``MMHSI_UNPACKED``, or in a folder of the user's own below the system's for temporary
files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.file_states import file_states
from mmhsi.io.files import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_BYTES = 50 << 30
"""All folders together; what is in use stays also above it."""
MOST_DAYS = 30
"""Since a folder was last used."""
_NAME = re.compile(r"([0-9a-f]{24})(\.lock|\.partial)?")
"""Folders, their locks and what is being unpacked; nothing else is looked at or removed."""
_PATIENCE = 50
_using: dict[Path, int] = {}
"""Descriptors of the locks of this process, which the system opens when it ends, however it does."""


def unpacked_of(
    files: Sequence[Path], size: int, whole: Callable[[Path], bool], fill: Callable[[Path], None], part: str = ""
) -> Path:
    """The folder of what files were unpacked to, for as long as they are the same.

    Args:
        files: The files; messages name the first.
        size: Bytes that the folder needs.
        whole: Whether a folder holds all of it.
        fill: Fills a new folder.
        part: What of the files it is. Default: all.

    Raises:
        DataError: There is no room for it.
    """
    said = json.dumps([file_states(files), part])
    try:
        return kept_folder(_cache(), hashlib.sha256(said.encode()).hexdigest()[:24], size, whole, fill)
    except DataError as error:
        raise error if isinstance(error, FileFormatError) else DataError(f"{files[0]}: {error}") from None


def kept_folder(cache: Path, key: str, size: int, whole: Callable[[Path], bool], fill: Callable[[Path], None]) -> Path:
    """A folder of a content, filled unless it is already, and not removed by others while this process lives.

    Args:
        cache: Where all folders lie.
        key: 24 hexadecimal digits that tell the content.
        size: Bytes that it needs.
        whole: Whether a folder holds all of it: programs that clean temporary files remove some.
        fill: Fills a new folder.

    Raises:
        DataError: There is no room, or other processes use a folder that has lost files.
    """
    folder = cache / key
    if folder in _using and whole(folder):
        return folder
    with suppress(KeyError):
        os.close(_using.pop(folder))
    for _ in range(_PATIENCE):
        name = cache / f"{key}.lock"
        lock = _opened(name)
        _take(lock, "shared, waiting")  # while another process unpacks it
        if whole(folder) and _is_current(lock, name):
            os.utime(name)
            _using[folder] = lock
            return folder
        _take(lock, "none")
        if _take(lock, "alone") and _is_current(lock, name):
            try:
                _make_room(cache, key, size)
                _fill(folder, fill)
            finally:
                os.close(lock)
        else:
            os.close(lock)
            time.sleep(0.2)
    raise DataError(f"{folder}: has lost files and is in use by other processes; end them, or set MMHSI_UNPACKED")


def _cache() -> Path:
    """A folder that nobody else can write to."""
    named = os.environ.get("MMHSI_UNPACKED")
    windows = sys.platform == "win32"  # whose folder for temporary files is the user's own
    folder = Path(named) if named else Path(tempfile.gettempdir()) / ("mmhsi" if windows else f"mmhsi-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    own = windows or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    if not named and (not stat.S_ISDIR(status.st_mode) or not own):
        raise DataError(f"{folder}: is not a folder of yours alone; set MMHSI_UNPACKED to one")
    return folder


def _fill(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder, which then has its name and outlives a power cut."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    try:
        fill(partial)
        for file in [*partial.iterdir(), partial]:
            sync(file)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _make_room(cache: Path, key: str, size: int) -> None:
    """Remove what nobody uses: what is too old or was begun, then the longest unused until there is room."""
    others = {found[1] for path in cache.iterdir() if (found := _NAME.fullmatch(path.name)) and found[1] != key}
    used = {other: _last_use(cache, other) for other in others}
    sizes = {other: _bytes(cache / other) for other in others}
    for other in sorted(others, key=used.__getitem__):
        old = time.time() - used[other] > MOST_DAYS * 86400
        full = sum(sizes.values()) + size > MOST_BYTES or shutil.disk_usage(cache).free < size
        name = cache / f"{other}.lock"
        lock = _opened(name)
        try:
            if not _take(lock, "alone"):
                continue
            shutil.rmtree(cache / f"{other}.partial", ignore_errors=True)
            if old or full or not (cache / other).is_dir():
                shutil.rmtree(cache / other, ignore_errors=True)
                name.unlink(missing_ok=True)
                sizes[other] = 0
        finally:
            os.close(lock)
    free = shutil.disk_usage(cache).free
    if size > free:
        raise DataError(
            f"needs {size >> 20} MB to be unpacked in {cache}, which has {free >> 20} MB free; set MMHSI_UNPACKED to "
            "another folder, or unpack it yourself"
        )


def _last_use(cache: Path, key: str) -> float:
    for name in (f"{key}.lock", key):
        with suppress(OSError):
            return (cache / name).stat().st_mtime
    return 0.0


def _bytes(folder: Path) -> int:
    with suppress(OSError):
        return sum(entry.stat().st_size for entry in os.scandir(folder))
    return 0


def _opened(name: Path) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT, 0o600)


def _is_current(lock: int, name: Path) -> bool:
    """Whether the lock's file still has its name: whoever had it alone may have removed it."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(lock), name.stat())
    return False


def _take(lock: int, how: str) -> bool:
    """Take or change a lock: ``'shared, waiting'``, ``'alone'`` (at once or not at all) or ``'none'``."""
    if sys.platform == "win32":  # has no locks of this kind, and files that are open cannot be removed there
        return True
    import fcntl

    kinds = {"shared, waiting": fcntl.LOCK_SH, "alone": fcntl.LOCK_EX | fcntl.LOCK_NB, "none": fcntl.LOCK_UN}
    try:
        fcntl.flock(lock, kinds[how])
    except BlockingIOError:
        return False
    return True
