"""Memory that a command's processes keep: between steps, and of blocks that GDAL has unpacked."""

from __future__ import annotations

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT = 512 << 20  # bytes


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks of up to 512 MiB for the next allocation, and twice as much in all.

    By default it gives blocks above 32 MB back to the system at once and gets them anew, page by page, in the next
    step: on a CPU that can cost more than what is done with them. Elsewhere than on Linux with glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
    mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_KEPT)


def bound_block_cache() -> None:
    """Let GDAL keep 128 MB of unpacked blocks a process, unless ``GDAL_CACHEMAX`` says otherwise.

    By itself it takes 5 % of the machine's memory, in every process that loads data. Those that a command starts are
    bound likewise. Where mmhsi is a library GDAL's own bound holds.
    """
    os.environ.setdefault("GDAL_CACHEMAX", "128")  # in MB; GDAL asks once, when it first reads
