"""Whether what a file declares can be held, asked before it is read; and memory that is given back."""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALWAYS_THERE = 256 << 20
"""Bytes for which nobody is asked."""

_MEMINFO = Path("/proc/meminfo")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_memory() -> int:
    """Bytes that a process can take without swapping: what Linux says is available, at most its container's limit.

    Elsewhere the machine's memory, or without end where Python does not know it, as on Windows.
    """
    try:
        lines = _MEMINFO.read_text().splitlines()
        known = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    except OSError:
        known = []
    with suppress(OSError, ValueError):  # no container, or "max"
        known.append(int(_CGROUP_LIMIT.read_text()))
    if not known and hasattr(os, "sysconf"):
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(known, default=sys.maxsize)


def require_memory(needed: int, path: str, what: str) -> None:
    """Refuse to read more than there is memory for.

    Args:
        needed: Bytes.
        path: The file.
        what: What would be read, for the message.

    Raises:
        DataError: Less is available.
    """
    if needed > ALWAYS_THERE and needed > available_memory():
        raise DataError(
            f"{path}: reading {what} takes {needed / 1e9:.3g} GB of memory, {available_memory() / 1e9:.3g} GB are "
            "available; read windows of it, or is its header damaged?"
        )


def let_go(values: NDArray) -> None:
    """Let the system have the memory that mapped values were read into; values in memory stay there.

    Args:
        values: Of any shape.
    """
    mapping = getattr(values, "_mmap", None)  # of numpy.memmap
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
