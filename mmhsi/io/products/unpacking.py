"""Products in zip files: unpacked once, since no window can be cut from a compressed file."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

from mmhsi.errors import FileFormatError
from mmhsi.io.files import reading
from mmhsi.io.kept_folders import unpacked_of

_MOST_FILES = 10_000
_MOST_RATIO = 200
"""Deflate packs pixels of a constant at most 1000 times; a product as a whole never comes near this."""
_PLENTY = 256 << 20
"""Bytes below which a ratio says nothing: constant layers pack well."""
_BLOCK = 1 << 20


def is_extra(name: str) -> bool:
    """Whether a file or folder is none of a product's, but hidden or added by a file manager (``._NAME``).

    Args:
        name: With its folders, where it has some.
    """
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part[0] == "." and part not in (".", "..")) for part in parts)


def archived_names(path: Path) -> list[str]:
    """Names of the product's files in a zip file, without their folders.

    Args:
        path: The zip file.

    Raises:
        FileFormatError: It is no zip file.
    """
    with reading(path, "not a readable zip file"), zipfile.ZipFile(path) as archive:
        listed = [item.filename for item in archive.infolist() if not item.is_dir()]
    return [PurePosixPath(name).name for name in listed if not is_extra(name)]


def unpacked(path: Path) -> Path:
    """The folder that a zip file's files lie in, unpacked there unless they are already.

    It is kept for the next process, and every worker, as long as there is room (:mod:`mmhsi.io.kept_folders`).

    Args:
        path: The zip file.

    Raises:
        FileFormatError: It is no zip file, holds links or names that lead elsewhere, or much more than its size.
        DataError: There is no room for its files.
    """
    with reading(path, "not a readable zip file"), zipfile.ZipFile(path) as archive:
        members = _members(path, archive)

        def whole(folder: Path) -> bool:
            try:
                return all((folder / name).lstat().st_size == item.file_size for name, item in members.items())
            except OSError:
                return False

        def fill(folder: Path) -> None:
            for name, item in members.items():
                _extract(path, archive, item, folder / name)

        return unpacked_of([path], sum(item.file_size for item in members.values()), whole, fill)


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files by name; a product's lie in one folder."""
    items = [item for item in archive.infolist() if not item.is_dir()]
    if len(items) > _MOST_FILES:
        raise FileFormatError(f"{path}: holds {len(items)} files; expected those of one product")
    size, packed = sum(item.file_size for item in items), max(1, path.stat().st_size)
    if size > _PLENTY and size > _MOST_RATIO * packed:
        raise FileFormatError(f"{path}: would be {size >> 20} MB, {size // packed} times its size; not unpacked")
    members: dict[str, zipfile.ZipInfo] = {}
    for item in items:
        name = PurePosixPath(item.filename).name
        if is_extra(item.filename):
            continue
        if stat.S_ISLNK(item.external_attr >> 16) or "\\" in name or name in ("", ".", ".."):
            raise FileFormatError(f"{path}: holds {item.filename!r}, a link or no plain name; not unpacked")
        if name in members:
            raise FileFormatError(f"{path}: holds several files {name}; expected one product (unpack it yourself)")
        members[name] = item
    return members


def _extract(path: Path, archive: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path) -> None:
    """Write one file, no longer than it is said to be."""
    left = item.file_size
    with archive.open(item) as source, target.open("wb") as out:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise FileFormatError(f"{path}: {item.filename} is longer than the zip file says; not unpacked")
            out.write(block)
