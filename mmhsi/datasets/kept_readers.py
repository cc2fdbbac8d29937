"""Readers that a process keeps open for the next windows of their files."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch.utils.data import get_worker_info

from mmhsi.io.gdal import need_cache
from mmhsi.io.memory import available_memory

if TYPE_CHECKING:
    from mmhsi.io import CubeOptions, CubeReader

Open = Callable[[str, "str | None", "str | None", "CubeOptions"], "CubeReader"]

MOST_BYTES = 1 << 30
"""Memory, in bytes, that open files of a process may take, and the blocks that GDAL keeps of them as much again."""
SHARE = 16
"""Each takes at most one part in so many of the memory there is, of which workers of a loader have equal parts."""
FILE_BYTES, BAND_BYTES = 64 << 10, 11 << 10
"""Memory, in bytes, of an open raster and of each of its bands, as measured with GDAL 3.10."""


def most_files() -> int:
    """Readers that a process keeps open: a quarter of the files that the system lets it open."""
    try:
        import resource  # not on Windows
    except ImportError:
        return 128
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_BYTES // FILE_BYTES if allowed == resource.RLIM_INFINITY else max(8, allowed // 4)


class KeptReaders:
    """Open readers, of which those that were not used for the longest are closed.

    Args:
        most: How many there may be. Default: :func:`most_files`.
        most_bytes: Memory that they may take, and as much again for blocks of theirs that were unpacked. Default:
            :data:`MOST_BYTES`, at most one in :data:`SHARE` of what the machine has left, for all workers together.
    """

    def __init__(self, most: int | None = None, most_bytes: int | None = None) -> None:
        worker = get_worker_info()
        share = SHARE if worker is None else SHARE * worker.num_workers
        self.most = most_files() if most is None else most
        self.most_bytes = min(MOST_BYTES, available_memory() // share) if most_bytes is None else most_bytes
        need_cache(id(KeptReaders), self.most_bytes)  # windows at random places ask for the same blocks again
        self._kept: OrderedDict[tuple, tuple[tuple[int, int], CubeReader, int]] = OrderedDict()
        self._bytes = 0

    def reader(self, path: str, key: str | None, axes: str | None, options: CubeOptions, open_file: Open) -> CubeReader:
        """The open reader of a file; one that was written anew since is opened anew.

        Args:
            path: The file.
            key: Its variable.
            axes: Its axes.
            options: How it is opened.
            open_file: Opens it by these.
        """
        try:
            status = os.stat(path)  # noqa: PTH116, once a window
        except OSError:
            return open_file(path, key, axes, options)  # says what is wrong
        place, state = (path, key, axes, options, open_file), (status.st_mtime_ns, status.st_size)
        kept = self._kept.get(place)
        if kept is not None and kept[0] == state:
            self._kept.move_to_end(place)
            return kept[1]
        if kept is not None:
            self._close(place)
        reader = open_file(path, key, axes, options)
        taken = FILE_BYTES + BAND_BYTES * reader.info.shape[2]
        while self._kept and (len(self._kept) >= self.most or self._bytes + taken > self.most_bytes):
            self._close(next(iter(self._kept)))
        self._kept[place] = state, reader, taken
        self._bytes += taken
        return reader

    def _close(self, place: tuple) -> None:
        _, reader, taken = self._kept.pop(place)
        self._bytes -= taken
        reader.close()
