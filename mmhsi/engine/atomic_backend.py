"""Files of a run that are whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmhsi.io.files import replacing


class AtomicBackend(LocalBackend):
    """mmengine's local files, written under a temporary name, flushed to the disk, and renamed.

    A kill while it writes, or a full disk, leaves the earlier file of that name as it was. It replaces mmengine's
    backend for local files, so that the checkpoints of every strategy are written this way.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file.

        Args:
            obj: The content.
            filepath: The file; folders that are missing are made.

        Raises:
            DataError: The disk refuses.
        """
        with replacing(filepath) as temporary, temporary.open("wb") as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())


register_backend("local", AtomicBackend, force=True, prefixes="")


def remove_temporaries(folder: Path) -> None:
    """Remove what a killed run has left half-written.

    Args:
        folder: The run's.
    """
    for path in folder.glob(".*.pth*.tmp"):
        path.unlink(missing_ok=True)
