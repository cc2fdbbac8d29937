"""All files of a catalogue entry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mmhsi.errors import ConfigError

from ..catalogue import CATALOGUE, ArchiveMember, RemoteFile, SceneInfo, unknown_name
from .archive import extract_archive, is_archive
from .errors import ArchiveError, ChecksumError, NotPublicError, storing
from .transfer import transfer

_CHUNK = 1 << 20


def download_dataset(
    name: str,
    root: str | Path = "data",
    url_base: str | None = None,
    timeout: float = 30.0,
    report: Callable[[str], None] = print,
) -> list[Path]:
    """Fetch the files of a data set, leaving alone those that are there.

    Args:
        name: Entry of the catalogue.
        root: Data root.
        url_base: Address of a mirror that holds the files under their names relative to the data root; None for the
            published addresses.
        timeout: Seconds without any data after which an attempt fails.
        report: Takes one line a file.

    Returns:
        The files that are then in place.

    Raises:
        ConfigError: The name is unknown.
        NotPublicError: The files cannot be fetched without an account or a form.
        DownloadError: A file cannot be fetched, verified, extracted or stored.
    """
    if name not in CATALOGUE:
        raise ConfigError(unknown_name(name))
    info = CATALOGUE[name]
    addresses = [_address(file, url_base) for file in info.files]
    if not info.files or None in addresses:
        raise NotPublicError(how_to_obtain(name, info, Path(root)))
    paths: list[Path] = []
    for file, url in zip(info.files, addresses, strict=True):
        paths += _fetch_file(file, str(url), Path(root), timeout, report)
    return paths


def expected_files(info: SceneInfo) -> list[str]:
    """Files or folders of a data set, relative to the data root.

    Args:
        info: Entry of the catalogue.
    """
    names = [member.name for file in info.files for member in file.members or (ArchiveMember(file.name),)]
    if not names and info.subsets:
        parts = [path for part in info.subsets for path in (part.split_file, part.image_dir, part.label_dir) if path]
        return [f"{info.image}/{part}" for part in parts]
    return names or [path for path in (info.image, info.labels) if path]


def how_to_obtain(name: str, info: SceneInfo, root: Path) -> str:
    """One line on how to get a data set that cannot be fetched.

    Args:
        name: Name in the catalogue.
        info: Its entry.
        root: The data folder.
    """
    way = info.obtain or "fetch it by hand"
    where = f" (see {info.homepage})" if info.homepage else ""
    expected = ", ".join(expected_files(info))
    return f"{name}: cannot be fetched automatically; {way}{where}. Expected under {root}: {expected}"


def _address(file: RemoteFile, url_base: str | None) -> str | None:
    return file.url if url_base is None else f"{url_base.rstrip('/')}/{quote(file.name)}"


def _fetch_file(file: RemoteFile, url: str, root: Path, timeout: float, report: Callable[[str], None]) -> list[Path]:
    """Bring one file, or the members of one archive, into place."""
    target = root / file.name
    wanted = file.members or (ArchiveMember(file.name, file.sha256),)
    paths = [target.parent / member.name for member in file.members] or [target]
    if all(_is_right(path, member.sha256) for path, member in zip(paths, wanted, strict=True)) and (
        file.members or _is_published(target, file)
    ):
        known = all(member.sha256 for member in wanted) or file.md5 is not None
        for path in paths:
            report(f"{path}: already there, " + ("checksum verified" if known else "no checksum is published"))
        return paths
    if not (file.members and target.is_file() and _is_published(target, file)):
        _bring(file, url, target, timeout)
        report(f"{target}: fetched" + ("" if file.md5 or file.sha256 else ", no checksum is published"))
    if not is_archive(file.name):
        return paths
    try:
        extracted = extract_archive(target, target.parent)
    except ArchiveError:
        target.unlink(missing_ok=True)
        raise
    for path, member in zip(paths, wanted, strict=True):
        if file.members and not path.is_file():
            raise ArchiveError(f"{target}: holds no {member.name}; the published archive has changed")
        if file.members and not _is_right(path, member.sha256):
            path.unlink()
            raise ChecksumError(f"{path}: extracted, but its sha256 is not the published one; it was removed")
    with storing(target):
        target.unlink()
    report(f"{target}: extracted {len(extracted)} files and removed")
    return paths if file.members else extracted


def _bring(file: RemoteFile, url: str, target: Path, timeout: float) -> None:
    """Fetch, verify, and only then give the file its name."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(target.name, total=None)
        partial = transfer(url, target, lambda done, total: bar.update(task, completed=done, total=total), timeout)
    try:
        verify(partial.path, file, url)
    except ChecksumError:
        partial.discard()
        raise
    with storing(target):
        partial.commit(target)


def verify(path: Path, file: RemoteFile, url: str) -> None:
    """Compare a file with what is published about it.

    Args:
        path: The file.
        file: What is published.
        url: Where it comes from, for the message.

    Raises:
        ChecksumError: Size or checksum differ.
    """
    for what, published, found in _compare(path, file):
        if published != found:
            raise ChecksumError(
                f"{url}: {what} is {found}, published is {published}; the bad file was removed, try again or report "
                "that the published file has changed"
            )


def _compare(path: Path, file: RemoteFile) -> list[tuple[str, str, str]]:
    """(kind, published, found) of all that is published."""
    compared = [] if file.size is None else [("size", str(file.size), str(path.stat().st_size))]
    for kind, published in (("md5", file.md5), ("sha256", file.sha256)):
        if published is not None:
            compared.append((kind, published.lower(), _digest(path, kind)))
    return compared


def _is_published(path: Path, file: RemoteFile) -> bool:
    return all(published == found for _, published, found in _compare(path, file))


def _is_right(path: Path, sha256: str | None) -> bool:
    return path.is_file() and (sha256 is None or _digest(path, "sha256") == sha256.lower())


def _digest(path: Path, kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    with storing(path), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
