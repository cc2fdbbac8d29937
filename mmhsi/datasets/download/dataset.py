"""All files of a catalogue entry."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mmhsi.errors import ConfigError
from mmhsi.io.files import make_folder, put
from mmhsi.io.lock import hold

from ..catalogue import CATALOGUE, ArchiveMember, RemoteFile, SceneInfo, unknown_name
from ..layout import check_layout
from .archive import extract_archive, extraction_folder
from .errors import DownloadError, NotPublicError, storing
from .transfer import discard, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 16 << 30
"""Bytes that a file may have of which no size is published."""


def staging_folder(name: str, root: str | Path) -> Path:
    """Where a data set's files lie until all of them are there and right."""
    return Path(root) / f"{name}.partial"


def default_root() -> str:
    """The data folder of the configs: ``MMHSI_DATA``, else ``data``."""
    return os.environ.get("MMHSI_DATA", "data")


def download_dataset(
    name: str,
    root: str | Path | None = None,
    url_base: str | None = None,
    timeout: float = 30.0,
    report: Callable[[str], None] = print,
) -> list[Path]:
    """Fetch the files of a data set, leaving alone those that are there.

    They get their names when all have been fetched, and each has its published checksum or could be read to its end
    and has the published shape: not every server says how long a file is. Until then they lie in ``ROOT/NAME.partial``.

    Args:
        name: Entry of the catalogue.
        root: Data root. Default: the environment's ``MMHSI_DATA``, else ``data``.
        url_base: Address of a mirror that holds the files under their names relative to the data root; None for the
            published addresses.
        timeout: Seconds without any data after which an attempt fails.
        report: Takes one line a file.

    Returns:
        The files that are then in place.

    Raises:
        ConfigError: The name is unknown, or another process fetches it.
        NotPublicError: The files cannot be fetched without an account or a form.
        DownloadError: A file cannot be fetched, verified, extracted or stored.
    """
    if name not in CATALOGUE:
        raise ConfigError(unknown_name(name))
    info, root = CATALOGUE[name], Path(default_root() if root is None else root)
    addresses = [file.url if url_base is None else f"{url_base.rstrip('/')}/{quote(file.name)}" for file in info.files]
    if not info.files or None in addresses:
        raise NotPublicError(how_to_obtain(name, info, root))
    staging = staging_folder(name, root)
    missing = [pair for pair in zip(info.files, addresses, strict=True) if not _in_place(pair[0], root, report)]
    if missing or staging.exists():
        with hold(staging, "download", "give another --root", passing=True):
            _bring(name, missing, root, staging, timeout, report)
    return [root / path for file in info.files for path in _paths(file)]


def _bring(
    name: str,
    missing: list[tuple[RemoteFile, str | None]],
    root: Path,
    staging: Path,
    timeout: float,
    report: Callable[[str], None],
) -> None:
    """Fetch files into the staging folder, and put them into place when all of them are there and right."""
    try:
        staged = [path for file, url in missing for path in _fetch(file, str(url), staging, timeout)]
        if not all(file.md5 or file.sha256 for file, _ in missing) and (problems := check_layout(name, root, staging)):
            for path in staged:
                path.unlink()
            _discard_fetched(name, staging)
            raise DownloadError(f"{name}: not what was published, it was not kept: {problems[0]}")
        for path in staged:
            target = root / path.relative_to(staging)
            with storing(target):
                make_folder(target.parent)
                put(path, target)
            report(f"{target}: fetched")
        _discard_fetched(name, staging)
    finally:
        for folder in sorted(staging.rglob("*"), reverse=True):
            with suppress(OSError):
                folder.rmdir()  # if it is one and empty


def _discard_fetched(name: str, staging: Path) -> None:
    """Remove what was fetched and is no longer needed, and what a killed process was extracting; nothing of others."""
    for file in CATALOGUE[name].files:
        fetched = staging / file.name
        discard(fetched)
        shutil.rmtree(extraction_folder(fetched.parent), ignore_errors=True)


def expected_files(info: SceneInfo) -> list[str]:
    """Files or folders of a data set, relative to the data root."""
    names = [member.name for file in info.files for member in _members(file)]
    if not names and info.subsets:
        parts = [path for part in info.subsets for path in (part.split_file, part.image_dir, part.label_dir) if path]
        return [f"{info.image}/{part}" for part in parts]
    paths = [path for path in (info.image, info.labels) if path]
    return names or [os.path.dirname(path) if glob.has_magic(path) else path for path in paths]  # noqa: PTH120


def how_to_obtain(name: str, info: SceneInfo, root: Path) -> str:
    """One line on how to get a data set that cannot be fetched."""
    way = info.obtain or "fetch it by hand"
    where = f" (see {info.homepage})" if info.homepage else ""
    expected = ", ".join(expected_files(info))
    return f"{name}: cannot be fetched automatically; {way}{where}. Expected under {root}: {expected}"


def _members(file: RemoteFile) -> tuple[ArchiveMember, ...]:
    """What an archive brings; a plain file as the only member of itself."""
    return file.members or (ArchiveMember(file.name, file.sha256),)


def _paths(file: RemoteFile) -> list[Path]:
    folder = Path(file.name).parent if file.members else Path()
    return [folder / member.name for member in _members(file)]


def _in_place(file: RemoteFile, root: Path, report: Callable[[str], None]) -> bool:
    """Whether a file, or all that an archive brings, is there and is the published one."""
    pairs = list(zip(_paths(file), _members(file), strict=True))
    if not all((root / path).is_file() and not _wrong(root / path, sha256=member.sha256) for path, member in pairs):
        return False
    if not file.members and _wrong(root / file.name, file.size, file.md5):
        return False
    known = "checksum verified" if file.md5 or all(member.sha256 for _, member in pairs) else "no checksum is published"
    for path, _ in pairs:
        report(f"{root / path}: already there, {known}")
    return True


def _fetch(file: RemoteFile, url: str, staging: Path, timeout: float) -> list[Path]:
    """Fetch and verify a file; the paths of what is to be put into place."""
    target = staging / file.name
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    shown = dict(console=console, transient=True, disable=not console.is_terminal)
    with Progress(*columns, TimeRemainingColumn(), **shown) as bar:  # type: ignore[arg-type]
        task = bar.add_task(target.name, total=None)
        size = LARGEST if file.size is None else file.size
        transfer(url, target, size, lambda done, total: bar.update(task, completed=done, total=total), timeout)
    if wrong := _wrong(target, file.size, file.md5, file.sha256):
        discard(target)
        raise DownloadError(
            f"{url}: {wrong}; the bad file was removed, try again or report that the published file has changed"
        )
    if not file.members:
        return [target]
    extracted: list[Path] = []
    try:
        extracted = extract_archive(target, target.parent)
        for path, member in zip(_paths(file), file.members, strict=True):
            there = staging / path in extracted
            if wrong := _wrong(staging / path, sha256=member.sha256) if there else "is not in the archive":
                raise DownloadError(f"{staging / path}: {wrong}; the published archive has changed")
    except DownloadError:
        for path in extracted:
            path.unlink()
        discard(target)
        raise
    return extracted


def _wrong(path: Path, size: int | None = None, md5: str | None = None, sha256: str | None = None) -> str | None:
    """How a file differs from what is published about it."""
    if size is not None and path.stat().st_size != size:
        return f"size is {path.stat().st_size}, published is {size}"
    for kind, published in (("md5", md5), ("sha256", sha256)):
        if published is not None:
            with storing(path), path.open("rb") as file:
                digest = hashlib.new(kind, usedforsecurity=False)
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            if digest.hexdigest() != published.lower():
                return f"{kind} is {digest.hexdigest()}, published is {published}"
    return None
