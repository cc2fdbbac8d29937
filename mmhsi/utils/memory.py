"""Memory that a process keeps between steps."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_freed_memory(limit: int = 512 << 20) -> None:
    """Let glibc keep freed blocks of up to ``limit`` bytes for the next allocation.

    By default it gives blocks above 32 MB back to the system at once and gets them anew, page by page, in the next
    step: on a CPU that can cost more than what is done with them. Elsewhere than on Linux with glibc nothing happens.

    Args:
        limit: Largest block that is kept, in bytes; twice as much memory in all. Default 512 MiB; glibc's own limit
            is 32 MiB.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, limit)
    mallopt(M_TRIM_THRESHOLD, 2 * limit)
