"""Rows of a scene, normalised on the device, each read from the file once, while the model works on those above."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmhsi.datasets.mirroring import mirrored, mirrored_finer
from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.models.preprocessors import finer_order

from .checks import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from mmhsi.datasets.replay import Replay
    from mmhsi.io import CubeReader, HSICube
    from mmhsi.models.preprocessors import BandPreprocessor

UPSIDE_DOWN = 6
"""The symmetry of :func:`mmhsi.models.preprocessors.dihedral` that mirrored rows are in."""
BUDGET = 32 << 20
"""Bytes of normalised rows that are read at a time."""


CHUNKS, LOWEST = 8, 64
"""A scene is read in so many parts or more, so that the model begins early, unless they would have fewer rows."""


def rows_at_a_time(bytes_per_row: int, budget: int = BUDGET) -> int:
    """How many rows fit into ``budget`` bytes: a power of two, because the blocks of tiled files are; at least one."""
    return 1 << max(0, (budget // bytes_per_row).bit_length() - 1)


class SceneRows:
    """A scene as a model sees it, from top to bottom; what has been passed is dropped, what comes next is read ahead.

    Args:
        reader: Open scene of H × W pixels.
        bands: 0-based bands that are read.
        replay: Transforms that the model was trained behind.
        preprocessor: Normalises on its device, and joins the second source.
        wavelengths: Centres of ``bands`` in nm where the file has none. Default None.
        second: Open second source, of s · H × s · W pixels.

    Attributes:
        shape: (H, W).
        look: What the reading thread is to look for in the file, when it has read the first rows, and gives as a text
            to warn of (:meth:`say_doubts`); None for nothing.
    """

    def __init__(
        self,
        reader: CubeReader,
        bands: list[int],
        replay: Replay,
        preprocessor: BandPreprocessor,
        wavelengths: Sequence[float] | None = None,
        second: CubeReader | None = None,
    ) -> None:
        self.reader = reader
        self.bands = bands
        self.replay = replay
        self.preprocessor = preprocessor
        self.wavelengths = wavelengths
        self.second = second
        self.shape = reader.info.shape[:2]
        self.scale = 1 if second is None else second.info.shape[0] // self.shape[0]
        channels = max(len(bands), preprocessor.num_bands) + (second.info.shape[2] * self.scale**2 if second else 0)
        self._bytes_per_column = channels * 4
        self._thread = ThreadPoolExecutor(1)  # one, as a reader serves one at a time
        self._chunks: dict[int, Future[tuple[Tensor, NDArray[np.bool_]]]] = {}
        self.pad_columns(0, self.shape[1])
        self._doubts: Future[str | None] | None = None
        self.look: Callable[[], str | None] | None = None

    def __enter__(self) -> SceneRows:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            stack.callback(self.reader.close)
            if self.second is not None:
                stack.callback(self.second.close)
            stack.callback(self._thread.shutdown, cancel_futures=True)
            if exc_type is None:
                self._begin_look()
                self.say_doubts(wait=True)

    @property
    def device(self) -> torch.device:
        """Where the rows lie."""
        return self.preprocessor.mean.device

    def say_doubts(self, wait: bool = False) -> None:
        """Warn of what :attr:`look` has found, once, when it has been found.

        Args:
            wait: Whether to wait for it. Default False.

        Raises:
            FileFormatError: The file cannot be read where it looked.
        """
        found = self._doubts
        if found is not None and (wait or found.done()):
            self.look = self._doubts = None
            if doubt := found.result():
                warn(doubt)

    def _begin_look(self) -> None:
        if self.look is not None and self._doubts is None:
            self._doubts = self._thread.submit(self.look)

    def pad_columns(self, first: int, last: int) -> None:
        """Let every row reach from column ``first`` to ``last`` − 1, mirrored beyond the scene.

        Args:
            first: Column, 0 or less.
            last: Column, the scene's width or more.
        """
        self.columns = mirrored(first, last, self.shape[1])
        self._fine = mirrored_finer(first, last, self.shape[1], self.scale)
        for chunk in self._chunks.values():
            chunk.cancel()
        self._chunks.clear()

    def take(self, first: int, last: int) -> tuple[Tensor, NDArray[np.bool_]]:
        """Give rows ``first`` to ``last`` − 1, mirrored where they lie beyond the scene.

        Args:
            first: Row, may lie before the scene.
            last: Row, may lie behind it.

        Returns:
            Normalised float32 tensor on the device, contiguous, shape (rows, columns, C), and which pixels hold data,
            bool (rows, columns).

        Raises:
            FileFormatError: The file cannot be read there; the message names the rows.
        """
        wanted = mirrored(first, last, self.shape[0])
        low, high = int(wanted.min()), int(wanted.max()) + 1
        size = rows_at_a_time(len(self.columns) * self._bytes_per_column)
        while size >= 2 * LOWEST and size * CHUNKS > self.shape[0]:
            size //= 2
        while size < 2 * self.replay.margin:  # else the margins, which are computed twice, would outweigh the rows
            size *= 2
        needed = range(low // size, (high - 1) // size + 1)
        for index in [index for index in self._chunks if index < needed.start]:
            del self._chunks[index]
        for index in range(needed.start, min(needed.stop + 1, -(-self.shape[0] // size))):  # and the following one
            if index not in self._chunks:
                ends = index * size, min((index + 1) * size, self.shape[0])
                self._chunks[index] = self._thread.submit(self._read, *ends)
        self._begin_look()  # behind the first rows, for which the model waits
        parts, masks = [], []
        for index in needed:
            cut = slice(max(0, low - index * size), high - index * size)
            data, filled = self._chunks[index].result()
            parts.append(data[cut])
            masks.append(filled[cut])
        rows, valid = (parts[0], masks[0]) if len(parts) == 1 else (torch.cat(parts), np.concatenate(masks))
        if len(wanted) != high - low or wanted[0] != low:
            rows, valid = rows[torch.from_numpy(wanted - low).to(rows.device)], valid[wanted - low]
            if (finer := self.preprocessor.finer) is not None:
                beyond = torch.arange(first, last, device=rows.device)
                beyond = ((beyond < 0) | (beyond >= self.shape[0])).nonzero()[:, 0]
                rows[beyond] = rows[beyond][..., finer_order(rows.shape[2], finer, UPSIDE_DOWN).to(rows.device)]
        return rows, valid

    def cube(self, window: tuple[int, int, int, int]) -> tuple[HSICube, NDArray[np.bool_], NDArray | None]:
        """Read a window (row, column, height, width), transformed but not normalised.

        Where transforms depend on a pixel's surroundings, these are read too, as far as the scene reaches.

        Args:
            window: In pixels of the scene.

        Returns:
            The cube, which pixels hold data in every source, and the second source as a model sees it, or None.
        """
        (row, column, height, width), margin = window, self.replay.margin
        top, left = max(0, row - margin), max(0, column - margin)
        bottom, right = min(self.shape[0], row + height + margin), min(self.shape[1], column + width + margin)
        try:
            cube = self.reader.read((top, left, bottom - top, right - left), self.bands)
        except FileFormatError as error:
            raise FileFormatError(f"{error} (rows {row} to {row + height - 1})") from error
        if cube.wavelengths is None and self.wavelengths is not None:
            cube.wavelengths = np.asarray(self.wavelengths)
        valid, second, s = cube.valid(), None, self.scale
        if self.second is not None:
            finer = self.second.read((top * s, left * s, (bottom - top) * s, (right - left) * s))
            valid &= finer.valid().reshape(bottom - top, s, right - left, s).all(axis=(1, 3))
            second = finer.data
        cube = self.replay(cube, valid, second, s)
        if cube.data.shape[2] != self.preprocessor.num_bands:
            raise ConfigError(
                f"{self.reader.path}: the checkpoint's bands and transforms give {cube.data.shape[2]} bands, its model "
                f"takes {self.preprocessor.num_bands}"
            )
        rows, columns = slice(row - top, row - top + height), slice(column - left, column - left + width)
        cube.data = cube.data[rows, columns]
        if second is not None:  # without margin, unless a transform has taken it
            second = None if self.replay.takes_second else second[_finer(rows, s), _finer(columns, s)]
        return cube, valid[rows, columns], second

    @torch.no_grad()
    def _read(self, first: int, last: int) -> tuple[Tensor, NDArray[np.bool_]]:
        """Rows of the scene with all columns."""
        width = self.shape[1]
        cube, valid, second = self.cube((first, 0, last - first, width))
        data = cube.data
        if len(self.columns) != width:
            data, valid = data[:, self.columns], valid[:, self.columns]
        mask = _moved(valid, self.device)
        finer = None
        if second is not None:
            finer = _moved(second[:, self._fine], self.device)[None]
        rows = self.preprocessor.prepare(_moved(data, self.device)[None], mask[None], finer)
        return rows[0].contiguous(), valid


def _moved(values: NDArray, device: torch.device) -> Tensor:
    """An array on the device, which is not waited for."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _finer(places: slice, scale: int) -> slice:
    """The same ground in pixels of the second source."""
    return slice(places.start * scale, places.stop * scale)
