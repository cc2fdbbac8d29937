"""Uncompressed HDF5 data sets in one piece, as memory that the system fills from the file where it is looked at."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

_KEPT = 512 << 20
"""Bytes that may have been looked at before the process gives their pages back; the system's cache keeps them."""


class MappedData:
    """A data set's values where they lie in the file.

    HDF5 reads a window of such a data set in thousands of short pieces; copied out of the mapped file it takes a third
    of the time, and a tenth where the pages have been looked at before.

    Args:
        path: The file.
        offset: Where the values begin, in bytes.
        dtype: Their type.
        shape: Their shape.
    """

    def __init__(self, path: Path, offset: int, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        self._end = offset + int(np.prod(shape)) * dtype.itemsize
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._values: NDArray = np.ndarray(shape, dtype, self._map, offset)
        self._seen = 0

    def values(self, rows: int, axis: int) -> NDArray | None:
        """All values, read-only; None where the file has been cut short since.

        Args:
            rows: How many rows will be looked at.
            axis: Axis of the rows.
        """
        if self._map.size() < self._end:
            return None
        self._seen += rows * (self._values.nbytes if axis else self._values[:1].nbytes)
        # Of a smaller data set no more can have been looked at, however often.
        if self._seen > _KEPT < self._values.nbytes and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._seen = 0
        return self._values


def map_data(dataset: h5py.Dataset, path: str | PathLike[str]) -> MappedData | None:
    """Map a data set, or None where it is not stored that way.

    Args:
        dataset: Open, its values in this file.
        path: The file.

    Returns:
        None for values in chunks, none at all, values behind the file's end, or a type that HDF5 would convert.
    """
    if dataset.chunks is not None or not dataset.shape or not dataset.size or dataset.dtype.kind not in "iuf":
        return None
    offset = dataset.id.get_offset()
    if offset is None or not dataset.id.get_type().equal(h5py.h5t.py_create(dataset.dtype)):
        return None
    if Path(path).stat().st_size < offset + dataset.size * dataset.dtype.itemsize:
        return None  # HDF5 says what is wrong
    return MappedData(Path(path), offset, dataset.dtype, dataset.shape)
