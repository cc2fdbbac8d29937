"""Whether what a file declares can be held, asked before it is read."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from mmhsi.errors import DataError

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
