"""What can go wrong while files are fetched."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mmhsi.errors import MMHSIError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DownloadError(MMHSIError):
    """A file could not be fetched, verified, extracted or stored."""


class NotPublicError(DownloadError):
    """A data set has no file that can be fetched without an account or a form."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an error of the file system while ``path`` is written into one line."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(f"{path}: the disk is full; free some space or give another --root") from exc
        if isinstance(exc, PermissionError) or exc.errno == errno.EROFS:
            raise DownloadError(f"{path}: cannot be written, permission denied; give another --root") from exc
        raise DownloadError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
