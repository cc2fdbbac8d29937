"""Finished rows on disk, from which an interrupted run goes on."""

from __future__ import annotations

import json
import os
import time
import zlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.files import make_folder, sync, writing
from mmhsi.io.json_file import read_json, read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SAVE_EVERY = 5.0
"""Seconds after which rows are made to survive a failure of power; a killed process loses no more than these either."""

STATE = "state.json"
LAYERS = ("classes", "probabilities", "uncertainty", "values")
FORMAT = "mmhsi rows 2"
"""By which a state is known for ours."""
MOST_SHOWN = 400
"""Characters of a value in a message."""
BLOCK = 1 << 24
"""Bytes that are read at a time to be compared with their checksum."""


class OtherRunError(DataError):
    """Finished rows are of a run with another model, scene or setting."""


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

    Rows and state carry checksums, which are compared when they are taken up again.

    Args:
        folder: The folder, held by nobody else (:func:`mmhsi.io.lock.hold`).
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
        self._open = ExitStack()
        self._sums = dict.fromkeys(self.layers, 0)
        self._saved = 0.0

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a row of all layers."""
        return sum(self._row_bytes(name) for name in self.layers)

    @contextmanager
    def open(self, resume: bool) -> Iterator[RowStore]:
        """Open for appending; rows finished by then are kept if the block fails, the state of none is not.

        The folder is made with the first rows: the disk is waited for where they are appended.

        Args:
            resume: Whether finished rows are kept; otherwise they are dropped.

        Raises:
            DataError: If the rows belong to a run with other settings or are damaged, the folder holds files of others,
                or the disk refuses.
        """
        if resume:
            self.load()
        else:
            self.remove()
        try:
            with ExitStack() as self._open:
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
                with suppress(DataError):  # the disk refuses, of which the caller hears already
                    self.remove()

    def _begin(self) -> None:
        """Make the folder and its files."""
        make_folder(self.folder)
        self._write_state()  # first, so that the folder is known for ours whatever happens
        for name in self.layers:
            path = self.folder / f"{name}.raw"
            file = self._open.enter_context(path.open("r+b" if path.exists() else "x+b", buffering=0))
            file.truncate(self.finished * self._row_bytes(name))
            file.seek(0, os.SEEK_END)
            self._files[name] = file
        sync(self.folder)

    def append(self, values: Mapping[str, NDArray]) -> None:
        """Add rows below those that are finished.

        Args:
            values: Of every layer, shape (bands, rows, W).

        Raises:
            DataError: The disk refuses.
        """
        count, sums = 0, {}
        with writing(self.folder):
            if not self._files:
                self._begin()
            for name, layer in self.layers.items():
                block = np.ascontiguousarray(values[name].transpose(1, 0, 2), dtype=layer.dtype)  # (rows, bands, W)
                left = memoryview(block.data).cast("B")
                sums[name] = zlib.crc32(left, self._sums[name])
                while left:  # an unbuffered write may take less than it is given
                    left = left[self._files[name].write(left) or 0 :]
                count = len(block)
        self.finished += count
        self._sums = sums
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Make the rows appended so far survive whatever happens to the process.

        Raises:
            DataError: The disk refuses.
        """
        if self._files:
            with writing(self.folder):
                for file in self._files.values():
                    os.fsync(file.fileno())
            self._write_state()

    def _write_state(self) -> None:
        state = dict(format=FORMAT, settings=self.settings, rows=self.finished, checksums=self._sums)
        write_state(self.folder / STATE, state)
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
        """Remove what this or an earlier run left in the folder, but not the folder, which is held.

        Raises:
            DataError: If the folder holds anything else, or its state is not known for ours; nothing is removed then.
        """
        self._open.close()
        self._files.clear()
        self.finished = 0
        found = {path.name: path for path in self.folder.glob("*") if path.name not in (".lock", ".lock.file")}
        begun = {name for name in found if name.startswith(f".{STATE}.")}  # by a run that was killed just then
        own = {STATE, *(f"{name}.raw" for name in LAYERS)} if _is_ours(self.folder / STATE) else set()
        if strange := sorted(found.keys() - begun - own):
            raise DataError(
                f"{self.folder}: holds {strange[0]}, which is not of an interrupted run; move it, or give another --out"
            )
        with writing(self.folder):
            for name in sorted(found, key=lambda name: name == STATE):  # last, for it tells whose the others are
                found[name].unlink()

    def _row_bytes(self, name: str) -> int:
        layer = self.layers[name]
        return layer.bands * self.width * layer.dtype.itemsize

    def load(self) -> None:
        """Take up the state of an earlier run.

        Raises:
            OtherRunError: Its rows are of other settings.
            DataError: They are damaged.
        """
        state = stored_state(self.folder)
        if state is None:
            self.remove()
            return
        earlier, now = state["settings"], json.loads(json.dumps(self.settings))
        for key in now:
            if earlier.get(key) != now[key]:
                had, has = _shown(earlier.get(key)), _shown(now[key])
                raise OtherRunError(
                    f"{self.folder}: cannot be resumed, the interrupted run had {key} {had} instead of {has}; run "
                    "with the same, or without --resume to start over"
                )
        if any(not (self.folder / f"{name}.raw").is_file() for name in self.layers):
            self.remove()  # of a run that was ended before it had them all, or while it removed them: its map is there
            return
        rows, sums = state["rows"], state["checksums"]
        for name in self.layers:
            path = self.folder / f"{name}.raw"
            if path.is_symlink() or path.stat().st_nlink > 1:  # what is written to it would go into a file of others
                raise DataError(f"{path}: is another file too, by a link; run without --resume to start over")
            if self._sum_of(name, rows) != sums.get(name):
                raise DataError(
                    f"{path}: its {_shown(rows)} finished rows are damaged (other checksum); run without --resume to "
                    "start over"
                )
        self.finished, self._sums = rows, {name: sums[name] for name in self.layers}

    def _sum_of(self, name: str, rows: int) -> int | None:
        """CRC-32 of a layer's first rows; None if some are missing."""
        left, total = rows * self._row_bytes(name), 0
        try:
            with (self.folder / f"{name}.raw").open("rb") as file:
                while left and (block := file.read(min(left, BLOCK))):
                    total = zlib.crc32(block, total)
                    left -= len(block)
        except FileNotFoundError:
            pass  # of a run that was killed before it had one
        return None if left else total


def _is_ours(path: Path) -> bool:
    try:
        state: Any = read_json(path, "the state of a run")
        return str(state["format"]).startswith(FORMAT.rstrip("0123456789"))
    except (DataError, KeyError, TypeError):
        return False


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _shown(value: object) -> str:
    """A value of a state, which may be of any length, as a message can have it."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def stored_state(folder: Path) -> dict | None:
    """What an interrupted run has left in a folder: ``settings``, finished ``rows``, and ``checksums`` of the layers.

    Args:
        folder: ``MAP.tif.partial``.

    Returns:
        None if there is nothing.

    Raises:
        DataError: The folder's state is damaged, or of another version.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = read_state(path, "the state of a run")
        if state["format"] != FORMAT:
            raise ValueError("another version")
        settings, rows, sums = state["settings"], state["rows"], state["checksums"]
        if not isinstance(settings, dict):
            raise ValueError(f"settings {_shown(settings)}, expected an object")
        if not _is_count(rows):
            raise ValueError(f"rows {_shown(rows)}, expected a whole number from 0")
        if not isinstance(sums, dict) or not all(map(_is_count, sums.values())):
            raise ValueError(f"checksums {_shown(sums)}, expected whole numbers by layers")
        return dict(settings=settings, rows=rows, checksums=sums)
    except KeyError as error:
        raise DataError(f"{path}: cannot be read (it has no {error}); remove {folder} to start over") from error
    except (DataError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); remove {folder} to start over") from error
