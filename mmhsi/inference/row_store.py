"""Finished rows on disk, from which an interrupted run goes on."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.files import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SAVE_EVERY = 5.0
"""Seconds after which rows are made to survive a failure of power; a killed process loses no more than these either."""


@dataclass(frozen=True)
class Layer:
    """One result of every pixel.

    Attributes:
        bands: Values a pixel.
        dtype: Their type.
    """

    bands: int
    dtype: np.dtype


class RowStore:
    """Rows of some layers in a folder: raw values, one file a layer, and in ``state.json`` how many are finished.

    Args:
        folder: The folder.
        width: Pixels a row.
        layers: The layers by name.
        settings: What makes the result what it is, in JSON's types; rows of a run with others are not continued.

    Attributes:
        finished: Rows that are finished.
    """

    def __init__(self, folder: Path, width: int, layers: Mapping[str, Layer], settings: dict) -> None:
        self.folder = folder
        self.width = width
        self.layers = dict(layers)
        self.settings = settings
        self.finished = 0
        self._files: dict[str, BinaryIO] = {}
        self._saved = 0.0

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a row of all layers."""
        return sum(self._row_bytes(name) for name in self.layers)

    @contextmanager
    def open(self, resume: bool) -> Iterator[RowStore]:
        """Open for appending; rows finished by then are kept if the block fails, an empty folder is not.

        Args:
            resume: Whether finished rows are kept; otherwise they are dropped.

        Raises:
            DataError: If the rows belong to a run with other settings, or the disk refuses.
        """
        if resume:
            self._load()
        else:
            self.remove()
        try:
            with ExitStack() as stack:
                with writing(self.folder):
                    self.folder.mkdir(exist_ok=True)
                    for name in self.layers:
                        path = self.folder / f"{name}.raw"
                        file = stack.enter_context(path.open("r+b" if path.exists() else "x+b", buffering=0))
                        file.truncate(self.finished * self._row_bytes(name))
                        file.seek(0, os.SEEK_END)
                        self._files[name] = file
                    self.save()
                try:
                    yield self
                except BaseException:
                    with suppress(DataError):  # on a full disk the state saved before holds
                        self.save()
                    raise
                self.save()
        finally:
            self._files.clear()
            if self.finished == 0:
                self.remove()

    def append(self, values: Mapping[str, NDArray]) -> None:
        """Add rows below those that are finished.

        Args:
            values: Of every layer, shape (bands, rows, W).

        Raises:
            DataError: The disk refuses.
        """
        count = 0
        with writing(self.folder):
            for name, layer in self.layers.items():
                block = np.ascontiguousarray(values[name].transpose(1, 0, 2), dtype=layer.dtype)  # (rows, bands, W)
                left = memoryview(block.data).cast("B")
                while left:  # an unbuffered write may take less than it is given
                    left = left[self._files[name].write(left) or 0 :]
                count = len(block)
        self.finished += count
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Make the rows appended so far survive whatever happens to the process.

        Raises:
            DataError: The disk refuses.
        """
        with writing(self.folder):
            for file in self._files.values():
                os.fsync(file.fileno())
            temporary = self.folder / "state.json.tmp"
            temporary.write_text(json.dumps(dict(settings=self.settings, rows=self.finished), indent=1))
            temporary.replace(self.folder / "state.json")
        self._saved = time.monotonic()

    def read(self, name: str, band: int, first: int, count: int) -> NDArray:
        """Rows of one band of a layer, (count, W).

        Args:
            name: The layer's.
            band: 0-based.
            first: First row.
            count: Rows.
        """
        layer = self.layers[name]
        block = np.empty((count, self.width), dtype=layer.dtype)
        with (self.folder / f"{name}.raw").open("rb", buffering=0) as file:
            for row, line in enumerate(block):
                file.seek((first + row) * self._row_bytes(name) + band * line.nbytes)
                if file.readinto(line) != line.nbytes:
                    raise DataError(f"{file.name}: ends before row {first + row}")
        return block

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _row_bytes(self, name: str) -> int:
        layer = self.layers[name]
        return layer.bands * self.width * layer.dtype.itemsize

    def _load(self) -> None:
        """Take up the state of an earlier run."""
        state = stored_state(self.folder)
        if state is None:
            self.remove()
            return
        earlier, now = state["settings"], json.loads(json.dumps(self.settings))
        for key in now:
            if earlier.get(key) != now[key]:
                raise DataError(
                    f"{self.folder}: cannot be resumed, the interrupted run had {key} {earlier.get(key)!r} instead of "
                    f"{now[key]!r}; run with the same, or without --resume to start over"
                )
        lengths = [(self.folder / f"{name}.raw").stat().st_size // self._row_bytes(name) for name in self.layers]
        self.finished = min(state["rows"], *lengths)


def stored_state(folder: Path) -> dict | None:
    """What an interrupted run has left in a folder: ``settings`` and finished ``rows``; None if there is nothing.

    Args:
        folder: ``MAP.tif.partial``.

    Raises:
        DataError: The folder's state cannot be read.
    """
    path = folder / "state.json"
    if not path.is_file():
        return None
    try:
        state = json.loads(path.read_text())
        return dict(settings=dict(state["settings"]), rows=int(state["rows"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run without --resume to start over") from error
