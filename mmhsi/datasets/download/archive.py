"""Extract an archive that nobody has looked into, without letting it write anywhere else."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from itertools import islice
from typing import TYPE_CHECKING

from .errors import DownloadError, storing

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_RATIO = 100
LEAST_LIMIT = 1 << 30  # bytes
MOST_MEMBERS = 100_000
LARGEST_HEADER = 1 << 20  # bytes
EXTENSIONS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE)
DAMAGE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError)


class _TarMember(tarfile.TarInfo):
    """Refuses a long name or pax header that claims to be large, which tarfile would read into memory as a whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _TarMember:
        member = super().frombuf(buf, encoding, errors)
        if member.type in (*EXTENSIONS, tarfile.SOLARIS_XHDTYPE) and member.size > LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member


def extraction_folder(folder: Path) -> Path:
    """Where members lie until all of them could be read."""
    return folder / ".extracting"


def extract_archive(archive: Path, folder: Path, limit: int | None = None) -> list[Path]:
    """Extract a zip or tar archive; nothing appears in the folder until all of it could be read.

    Links are refused even where they stay inside: no data set needs them. All members together have at most ``limit``
    bytes, by default 100 times those of the archive, at least 1 GiB. Gives the files, sorted.
    """
    temporary = extraction_folder(folder)
    limit = max(LEAST_LIMIT, LARGEST_RATIO * archive.stat().st_size) if limit is None else limit
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
    try:
        with storing(folder):
            temporary.mkdir(parents=True)
        _extract_all(archive, temporary, limit)
        names = sorted(path.relative_to(temporary) for path in temporary.rglob("*") if path.is_file())
        with storing(folder):
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (temporary / name).replace(folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [folder / name for name in names]


def _extract_all(archive: Path, folder: Path, limit: int) -> None:
    """Extract into an empty folder; every member is judged before anything is written."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _judge(archive, folder, limit, [(i.filename, i.file_size, _special(i)) for i in opened.infolist()])
                opened.extractall(folder)  # noqa: S202, judged above
            return
        if not hasattr(tarfile, "data_filter"):
            raise DownloadError(f"{archive}: to extract it safely takes Python 3.10.12, 3.11.4 or newer")
        with tarfile.open(archive, tarinfo=_TarMember) as opened:
            first = islice(opened, MOST_MEMBERS + 1)
            _judge(archive, folder, limit, [(i.name, i.size, not (i.isreg() or i.isdir())) for i in first])
            opened.extractall(folder, filter="data")
    except DAMAGE as exc:
        if isinstance(exc, OSError) and exc.errno is not None:  # gzip and bz2 raise it without a number
            with storing(folder):
                raise
        raise DownloadError(f"{archive}: not a readable zip or tar archive: {exc}") from exc


def _special(info: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)


def _judge(archive: Path, folder: Path, limit: int, members: list[tuple[str, int, bool]]) -> None:
    """Refuse members, of each its name, size, and whether it is neither file nor folder."""
    total = sum(size for _, size, _ in members)
    if total > limit or len(members) > MOST_MEMBERS:
        most = f"{limit} bytes" if total > limit else f"{MOST_MEMBERS} names"
        raise DownloadError(f"{archive}: its members have more than {most}; it was not extracted")
    for name, _, special in members:
        parts = name.replace("\\", "/").split("/")
        if special:
            raise DownloadError(f"{archive}: member {name!r} is a link or a device; it was not extracted")
        if not parts[0] or ":" in parts[0] or ".." in parts:
            raise DownloadError(f"{archive}: member {name!r} would lie outside the folder; it was not extracted")
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DownloadError(f"{archive}: the disk is full, {total} bytes are needed and {free} are free")
