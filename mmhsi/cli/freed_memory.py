"""Memory that a process keeps between steps."""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h
LARGEST_KEPT = 512 << 20  # bytes


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks of up to 512 MiB for the next allocation, and twice as much in all.

    By default it gives blocks above 32 MB back to the system at once and gets them anew, page by page, in the next
    step: on a CPU that can cost more than what is done with them. All threads share what is kept: in an arena of its
    own a thread could keep no block above 64 MB. Elsewhere than on Linux with glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
    mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_KEPT)
    mallopt(M_ARENA_MAX, 1)


@contextmanager
def lasting_objects() -> Iterator[None]:
    """What is made within the block lasts until the command ends: Python looks for garbage in it neither now nor later.

    It would, over and over, while the hundred thousands of objects of torch and its like are made. A block within
    another is part of it. When the command ends they are like others: libraries say what has been left over.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
