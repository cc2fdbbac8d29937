"""What can go wrong while files are fetched."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmhsi.errors import MMHSIError


class DownloadError(MMHSIError):
    """A file could not be fetched or stored."""


class ChecksumError(DownloadError):
    """A file was fetched whole, but it is not the published one."""


class ArchiveError(DownloadError):
    """An archive is damaged, or holds what must not be extracted."""


class NotPublicError(DownloadError):
    """A data set has no file that can be fetched without an account or a form."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one line.

    Args:
        path: What is being written.

    Raises:
        DownloadError: The disk is full, or the place cannot be written.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(f"{path}: the disk is full; free some space or give another --root") from exc
        if isinstance(exc, PermissionError) or exc.errno == errno.EROFS:
            raise DownloadError(f"{path}: cannot be written, permission denied; give another --root") from exc
        raise DownloadError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
