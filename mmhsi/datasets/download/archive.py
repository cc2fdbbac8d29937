"""Extract an archive that nobody has looked into, without letting it write anywhere else."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from .errors import ArchiveError, DownloadError, storing

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
LARGEST_RATIO = 100
LEAST_LIMIT = 1 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Entry:
    """A member of an archive: name, declared size, whether it is a folder or neither folder nor file, and its bytes."""

    name: str
    size: int
    folder: bool
    special: bool
    open: Callable[[], IO[bytes] | None]


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive that can be extracted.

    Args:
        name: File name.
    """
    return name.lower().endswith(SUFFIXES)


def extract_archive(archive: Path, folder: Path, limit: int | None = None) -> list[Path]:
    """Extract a zip or tar archive; nothing appears in the folder until all of it could be read.

    Links are refused even where they stay inside: no data set needs them.

    Args:
        archive: The file.
        folder: Where its members go; created if need be. Files of the same name are replaced.
        limit: Most bytes that the members may have together. Default: 100 times the archive's size, at least 1 GiB.

    Returns:
        The files, sorted.

    Raises:
        ArchiveError: The archive is damaged, too large once extracted, or a member is a link, a device, or would lie
            outside the folder.
        DownloadError: The disk is full or the folder cannot be written.
    """
    with storing(archive):
        size = archive.stat().st_size
    limit = max(LEAST_LIMIT, LARGEST_RATIO * size) if limit is None else limit
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".extracting-", dir=folder))
    try:
        names = _extract_all(archive, temporary, limit)
        with storing(folder):
            for name in names:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary / name, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sorted(folder / name for name in names)


def _extract_all(archive: Path, folder: Path, limit: int) -> list[PurePosixPath]:
    """Extract into an empty folder; names of the files, relative to it."""
    names: dict[PurePosixPath, None] = {}
    try:
        opened = zipfile.ZipFile(archive) if zipfile.is_zipfile(archive) else tarfile.open(archive)  # noqa: SIM115
        with closing(opened):
            entries = list(_entries(archive, opened, limit))  # everything is judged before anything is written
            total = sum(entry.size for entry in entries)
            with storing(folder):
                free = shutil.disk_usage(folder).free
            if total > free:
                raise DownloadError(f"{archive}: the disk is full, {total} bytes are needed and {free} are free")
            for entry in entries:
                name = PurePosixPath(entry.name)
                with storing(folder / name):
                    (folder / (name if entry.folder else name.parent)).mkdir(parents=True, exist_ok=True)
                if not entry.folder:
                    _extract_file(archive, entry, folder / name)
                    names[name] = None
    # What is written reports its own errors, so an OSError here comes from reading: gzip and bz2 raise it on damage.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError) as exc:
        raise ArchiveError(f"{archive}: not a readable zip or tar archive: {exc}") from exc
    return list(names)


def _entries(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile, limit: int) -> Iterator[_Entry]:
    """The members, each of them checked."""
    total = 0
    for entry in _zip_entries(opened) if isinstance(opened, zipfile.ZipFile) else _tar_entries(opened):
        total += entry.size
        if total > limit:
            raise ArchiveError(f"{archive}: its members have more than {limit} bytes; it was not extracted")
        if entry.special:
            raise ArchiveError(f"{archive}: member {entry.name!r} is a link or a device; it was not extracted")
        path = entry.name.replace("\\", "/")
        outside = path.startswith("/") or ":" in path.split("/")[0] or ".." in path.split("/") or "\0" in path
        if outside or (path.strip("./") == "" and not entry.folder):
            raise ArchiveError(f"{archive}: member {entry.name!r} would lie outside the folder; it was not extracted")
        yield entry


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in opened.infolist():
        special = stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)
        yield _Entry(info.filename, info.file_size, info.is_dir(), special, partial(opened.open, info))


def _tar_entries(opened: tarfile.TarFile) -> Iterator[_Entry]:
    for info in opened:
        special = not (info.isreg() or info.isdir())
        yield _Entry(info.name, info.size, info.isdir(), special, partial(opened.extractfile, info))


def _extract_file(archive: Path, entry: _Entry, target: Path) -> None:
    """Copy one member, never more of it than it declared."""
    source = entry.open()
    assert source is not None  # tarfile has none for folders, links and devices
    left = entry.size
    with storing(target):
        file = target.open("wb")
    with source, file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ArchiveError(f"{archive}: member {entry.name!r} is larger than it declares")
            with storing(target):
                file.write(chunk)
    if left:
        raise ArchiveError(f"{archive}: member {entry.name!r} is cut off")
