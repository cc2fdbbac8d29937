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
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from .errors import ArchiveError, DownloadError, storing

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
LARGEST_RATIO = 100
LEAST_LIMIT = 1 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Entry:
    """A member of an archive: its name, its declared size, whether it is a folder, and what else it may be."""

    name: str
    size: int
    folder: bool
    forbidden: str
    original: zipfile.ZipInfo | tarfile.TarInfo


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
                    _extract_file(archive, opened, entry, folder / name)
                    names[name] = None
    # What is written reports its own errors, so an OSError here comes from reading: gzip and bz2 raise it on damage.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError) as exc:
        raise ArchiveError(f"{archive}: not a readable zip or tar archive: {exc}") from exc
    return list(names)


def _entries(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile, limit: int) -> Iterator[_Entry]:
    """The members, each of them checked."""
    total = 0
    for entry in map(_from_zip, opened.infolist()) if isinstance(opened, zipfile.ZipFile) else map(_from_tar, opened):
        total += entry.size
        if total > limit:
            raise ArchiveError(f"{archive}: its members have more than {limit} bytes; it was not extracted")
        if entry.forbidden:
            raise ArchiveError(f"{archive}: member {entry.name!r} is {entry.forbidden}; it was not extracted")
        path = entry.name.replace("\\", "/")
        outside = path.startswith("/") or ":" in path.split("/")[0] or ".." in path.split("/") or "\0" in path
        if outside or (path.strip("./") == "" and not entry.folder):
            raise ArchiveError(f"{archive}: member {entry.name!r} would lie outside the folder; it was not extracted")
        yield entry


def _from_zip(info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    special = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)
    return _Entry(info.filename, info.file_size, info.is_dir(), "a link or a device" if special else "", info)


def _from_tar(info: tarfile.TarInfo) -> _Entry:
    special = not (info.isreg() or info.isdir())
    return _Entry(info.name, info.size, info.isdir(), "a link or a device" if special else "", info)


def _extract_file(archive: Path, opened: zipfile.ZipFile | tarfile.TarFile, entry: _Entry, target: Path) -> None:
    """Copy one member, never more of it than it declared."""
    source: IO[bytes] | None
    if isinstance(opened, zipfile.ZipFile) and isinstance(entry.original, zipfile.ZipInfo):
        source = opened.open(entry.original)
    elif isinstance(opened, tarfile.TarFile) and isinstance(entry.original, tarfile.TarInfo):
        source = opened.extractfile(entry.original)
    else:
        source = None
    if source is None:
        raise ArchiveError(f"{archive}: member {entry.name!r} cannot be read")
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
