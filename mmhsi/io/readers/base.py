"""The reader that all formats share: metadata first, then windows and bands."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.cube import CubeInfo, HSICube
from mmhsi.io.files import existing_file
from mmhsi.io.memory import require_memory
from mmhsi.io.readers.scaling import Scaling
from mmhsi.io.selection import Window, check_bands, check_window, shift_transform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

Handle = TypeVar("Handle")


class CubeReader(ABC, Generic[Handle]):
    """A cube in a file, read by windows and bands.

    Use it as a context manager, or call :meth:`close`. A reader can be pickled and survives a fork, so that data loader
    workers can hold one: each process opens the file for itself when it first reads. A closed reader opens its file
    again when it is read. One reader serves one thread at a time.

    Args:
        path: The file.
    """

    copies = 2
    """How often a window lies in memory while it is read."""

    reopen_after_fork = True
    """False where the handle holds no file position, so that a forked process can share the parent's."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._stored: CubeInfo | None = None
        self._info: CubeInfo | None = None
        self._handle: Handle | None = None
        self._pid = os.getpid()

    @property
    def info(self) -> CubeInfo:
        """Shape, type and metadata of the whole scene, as :meth:`read` gives it."""
        if self._info is None:
            stored = self.stored
            self._info = stored
            if stored.scale is not None:
                self._info = replace(stored, dtype=scaled_dtype(stored.dtype), nodata=float("nan"))
        return self._info

    @property
    def stored(self) -> CubeInfo:
        """Shape, type and metadata of the values as the file stores them, before scale and offset."""
        if self._stored is None:
            stored = self._describe()
            if 0 in stored.shape:
                raise DataError(f"{self.path}: holds no pixels or bands ({' x '.join(map(str, stored.shape))})")
            place = stored.transform
            if place is not None and not (0 < abs(place.determinant) < math.inf and math.isfinite(place.c + place.f)):
                raise DataError(f"{self.path}: its pixels have no area on the ground (transform {tuple(place[:6])})")
            self._stored = stored
        return self._stored

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        return [Path(self.path)]

    def read(self, window: Sequence[int] | None = None, bands: Iterable[int] | None = None) -> HSICube:
        """Read a part of the scene.

        Where the file declares a scale or an offset other than 1 and 0 for a band, all bands come scaled, as float32
        (float64 if the file stores that), NaN where a value is nodata. Otherwise the values are the stored ones.

        Args:
            window: (row0, col0, height, width) in pixels, inside the scene; None means all of it.
            bands: 0-based bands in the order wanted, repeats allowed; None means all.

        Returns:
            A cube (height, width, bands) whose data belongs to the caller; its per-band metadata and its transform are
            those of the part read.

        Raises:
            DataError: The window or a band does not lie inside the scene, or memory does not last for the window.
            FileFormatError: The file cannot be read there.
        """
        info = self.info
        area = check_window(window, info.shape[0], info.shape[1], self.path)
        chosen = None if bands is None else check_bands(bands, info.shape[2], self.path)
        if chosen == list(range(info.shape[2])):
            chosen = None
        values = area[2] * area[3] * (info.shape[2] if chosen is None else len(chosen))
        needed = self.copies * values * self.stored.dtype.itemsize + self._unit_bytes()
        if info.scale is not None:
            needed += values * info.dtype.itemsize
        require_memory(needed, self.path, f"{area[2]} x {area[3]} pixels")
        data, mask = self._read_values(area, chosen)
        pick: slice | list[int] = slice(None) if chosen is None else chosen
        return HSICube(
            data=data,
            wavelengths=None if info.wavelengths is None else info.wavelengths[pick].copy(),
            fwhm=None if info.fwhm is None else info.fwhm[pick].copy(),
            good_bands=info.good_bands[pick].copy(),
            nodata=info.nodata,
            crs=info.crs,
            transform=shift_transform(info.transform, area[0], area[1]),
            name=self.path,
            mask=mask,
        )

    def handle(self) -> Handle:
        """The open file of this process."""
        if self.reopen_after_fork and self._pid != os.getpid():
            self._handle = None  # a fork shares the parent's file position: two readers would move it under each other
        if self._handle is None:
            self._check_there()  # it may be gone since it was first read
            self._handle = self._open()
            self._pid = os.getpid()
        return self._handle

    def close(self) -> None:
        """Give the file back; a later read opens it again."""
        handle, self._handle = self._handle, None
        if handle is not None and self._pid == os.getpid():
            self._release(handle)

    def _check_there(self) -> None:
        """Refuse a path that leads to nothing."""
        existing_file(self.path)

    @abstractmethod
    def _open(self) -> Handle:
        """Open the file."""

    def _release(self, handle: Handle) -> None:
        """Close an open handle."""

    @abstractmethod
    def _describe(self) -> CubeInfo:
        """The metadata of the whole scene, with the values' type and nodata as they are stored."""

    @abstractmethod
    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        """Values (height, width, bands) of a checked window, native byte order, C order, writable."""

    def _read_values(self, window: Window, bands: list[int] | None) -> tuple[NDArray, NDArray[np.bool_] | None]:
        """Values with their scale, as :meth:`read` gives them, and :meth:`_read_mask` of them."""
        info = self.info
        data = self._read_block(window, bands)
        mask = self._read_mask(window, bands, data)
        pick: slice | list[int] = slice(None) if bands is None else bands
        if info.scale is not None and info.offset is not None:
            scaling = Scaling(info.scale[pick], info.offset[pick], self.stored.dtype, self.stored.nodata)
            data = scaling.apply([(data, slice(None), slice(None))], info.dtype)
        return data, mask

    def _read_view(self, window: Window, bands: list[int] | None) -> NDArray:
        """As :meth:`_read_block`, in any order in memory, for those who copy it to its place themselves."""
        return self._read_block(window, bands)

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        """Where the file says beside its nodata that there is data: (height, width), or as `data`, read there."""
        return None

    def _unit_bytes(self) -> int:
        """Memory, in bytes, of the smallest part of the file that can be unpacked; 0 where it is not packed."""
        return 0

    def __enter__(self) -> CubeReader:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_handle": None}


def scaled_dtype(stored: np.dtype) -> np.dtype:
    """Type of values with a scale.

    Args:
        stored: That of the file.
    """
    return stored if stored == np.float64 else np.dtype(np.float32)


def check_scale(
    scale: Sequence[float], offset: Sequence[float], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | tuple[None, None]:
    """Scale and offset of the bands, or neither where they change nothing.

    Args:
        scale: One a band.
        offset: One a band.
        name: Path of the file, for the message.

    Raises:
        DataError: One is no finite number, or a scale is 0.
    """
    factors, shifts = np.asarray(scale, dtype=np.float64), np.asarray(offset, dtype=np.float64)
    if not np.isfinite(factors).all() or not np.isfinite(shifts).all() or (factors == 0).any():
        raise DataError(f"{name}: declares scale {factors.tolist()[:5]} and offset {shifts.tolist()[:5]} of its bands")
    return (None, None) if (factors == 1).all() and (shifts == 0).all() else (factors, shifts)


def check_dtype(dtype: np.dtype, name: str) -> np.dtype:
    """Check that values of a type are plain real numbers.

    Args:
        dtype: The file's type.
        name: Path (and variable), for the message.

    Returns:
        The type in native byte order.

    Raises:
        DataError: Objects, structures, text, complex numbers or floats of more than 64 bits, which torch does not know.
    """
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise DataError(f"{name}: values of type {dtype} are not supported; expected real numbers (integer or float)")
    return dtype.newbyteorder("=")


def take_block(array: NDArray, window: Window, bands: list[int] | None) -> NDArray:
    """Copy a window and some bands of an (H, W, C) array into a C-ordered array of native byte order.

    Args:
        array: Shape (H, W, C).
        window: In pixels.
        bands: 0-based; None for all.
    """
    row0, col0, height, width = window
    block = array[row0 : row0 + height, col0 : col0 + width]
    if bands is not None:
        # A run of bands is cut, not picked: that makes no copy of its own.
        run = bands == list(range(bands[0], bands[0] + len(bands)))
        block = block[..., bands[0] : bands[0] + len(bands)] if run else block[..., bands]
    return np.array(block, dtype=block.dtype.newbyteorder("="), order="C", copy=True)
