"""HDF5 files are opened here: a child process looks at one first, since HDF5 itself crashes on some damaged files."""

from __future__ import annotations

import faulthandler
import functools
import math
import os
import re
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from mmhsi.errors import FileFormatError
from mmhsi.io.files import reading
from mmhsi.io.readers.hdf5_content import OwnFile, axis_scales, walk

if TYPE_CHECKING:
    from os import PathLike

_CUT = re.compile(r"truncated file: eof = (\d+), .*base_addr = (\d+), stored_eof = (\d+)")
_ENOUGH_SECONDS = 3.0
"""After which the child has looked at enough: a large file is not a damaged one."""
_HANGS_AFTER = 15
_SMALL = 1 << 20
"""Bytes up to which values are read: wavelengths, texts and tables of a product, not its cube."""


def open_hdf5(path: str | PathLike[str], chunk_cache: int | None = None) -> h5py.File:
    """Open an HDF5 file for reading.

    Args:
        path: The file.
        chunk_cache: Bytes of the cache of unpacked chunks of each data set. Default: HDF5's own.

    Raises:
        FileFormatError: It is no HDF5 file, or damaged so that HDF5's own code crashes or hangs on it.
    """
    with reading(path, "not a readable HDF5 file"):
        status = Path(path).stat()
        ended = _looked_at(os.fspath(path), (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        if ended:
            raise FileFormatError(f"{path}: not a readable HDF5 file: it is damaged so that reading it {ended}")
        try:
            return OwnFile(path, "r", **({} if chunk_cache is None else dict(rdcc_nbytes=chunk_cache)))
        except OSError as error:
            cut = _CUT.search(str(error))
            if cut is None:
                raise
            there, before, needed = map(int, cut.groups())
            raise FileFormatError(
                f"{path}: not a readable HDF5 file: it is cut: it has {before + there} of {before + needed} bytes"
            ) from error


@functools.lru_cache(maxsize=1 << 16)
def _looked_at(path: str, _state: tuple[int, ...]) -> str:
    """How looking at a file ended that is in this state: empty if well, also if with an error that is raised again."""
    if sys.platform != "linux":  # elsewhere a fork is not safe beside other libraries' threads
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads, of which the child uses nothing
        child = os.fork()
    if child == 0:
        import resource  # not on Windows

        try:
            faulthandler.disable()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_HANGS_AFTER)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            _look(path)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    return {0: "", -signal.SIGALRM: f"takes more than {_HANGS_AFTER} s"}.get(ended, "crashes HDF5")


def _look(path: str) -> None:
    """Ask of a file what readers ask; what is merely wrong is not said here."""
    end = time.monotonic() + _ENOUGH_SECONDS
    with OwnFile(path, "r") as content:
        _attributes(content)
        for _, item in walk(content):
            _attributes(item)
            if isinstance(item, h5py.Dataset):
                _values(item)
            if time.monotonic() > end:
                return


def _attributes(item: h5py.HLObject) -> None:
    """Read all attributes, each of which may be damaged."""
    for name in list(item.attrs):
        try:
            item.attrs[name]
        except Exception:  # noqa: S112, whatever it is, it is said when a reader needs this attribute
            continue


def _values(dataset: h5py.Dataset) -> None:
    """Read a small data set and its axes."""
    try:
        for axis in range(dataset.ndim):
            axis_scales(dataset, axis)
        chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
        if max(dataset.nbytes, chunk) <= _SMALL and not dataset.external and not dataset.is_virtual:
            dataset[()]
    except Exception:
        return
