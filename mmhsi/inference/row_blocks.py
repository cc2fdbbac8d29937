"""Blocks of a scene's rows that several processes finish, each block by one of them, and one process joins."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError, MMHSIError
from mmhsi.io.lock import hold, hold_outputs

from .row_store import STATE, Layer, RowStore, stored_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sharing:
    """What the processes that are at one map know of it beside its blocks.

    Attributes:
        is_made: Whether the map stands already.
        record: Called with the scene's files by the process that wrote the map, before the blocks are removed: then
            a process that comes late sees either of them.
    """

    is_made: Callable[[], bool]
    record: Callable[[list[list]], object]


class RowBlocks:
    """A folder with a :class:`RowStore` for each block, which the processes find by itself: no process leads.

    A block is locked while a process is at it; the system lets go of it when the process ends, however it ends, and
    the next one goes on from its finished rows. Rows of other settings are dropped.

    Args:
        folder: The folder; made and removed here.
        shape: (H, W) of the scene.
        rows: Rows of a block.
        layers: The layers by name.
        settings: What makes the result what it is, in JSON's types.
        is_made: Whether the map stands already, and nothing is to be done.

    Attributes:
        spans: First row of every block, and the row behind its last.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int],
        rows: int,
        layers: Mapping[str, Layer],
        settings: dict,
        is_made: Callable[[], bool],
    ) -> None:
        self.folder = folder
        self.is_made = is_made
        self.layers = dict(layers)
        height, width = shape
        self.spans = [(first, min(first + rows, height)) for first in range(0, height, rows)]
        self._stores = {
            first: RowStore(folder / f"{first:08d}", width, layers, dict(settings, block=[first, last]))
            for first, last in self.spans
        }
        self._rows = rows

    @contextmanager
    def taken(self, first: int) -> Iterator[RowStore | None]:
        """Hold a block.

        Yields:
            Its rows, open for appending; None if another process is at it, or it is finished.

        Raises:
            DataError: The disk refuses.
        """
        store = self._stores[first]
        with ExitStack() as stack:
            held = not self._is_finished(first) and self._hold(stack, store.folder)
            if not held or self._is_finished(first) or self.is_made():  # by another, while this one came
                yield None
                return
            try:
                opened = stack.enter_context(store.open(resume=True))
            except DataError:  # of other settings, or damaged
                opened = stack.enter_context(store.open(resume=False))
            yield opened

    @contextmanager
    def joining(self, outputs: Iterable[Path]) -> Iterator[bool]:
        """Find out whether all blocks are finished and no other process joins them; remove them if the block ends well.

        Yields:
            Whether this process is to join them; :meth:`read` gives their rows then.

        Raises:
            DataError: Finished rows are damaged; their block is dropped, so that the next start makes it anew.
        """
        with ExitStack() as stack:
            try:
                whole = all(map(self._is_finished, self._stores))
                if whole:
                    stack.enter_context(hold_outputs(outputs))
                    whole = all(map(self._is_finished, self._stores))  # else another has joined them meanwhile
            except ConfigError:
                whole = False
            if whole:
                self._check()
            yield whole
            if whole:
                for store in self._stores.values():
                    store.remove()
                    with suppress(OSError):  # another looks whether there is something to do
                        store.folder.rmdir()
            with suppress(OSError):  # others are at it
                self.folder.rmdir()

    def read(self, name: str, band: int, first: int, count: int) -> NDArray:
        """Rows of one band of a layer; arguments as for :meth:`RowStore.read`."""
        parts = []
        while count:
            begin = first // self._rows * self._rows
            part = min(count, begin + self._rows - first)
            parts.append(self._stores[begin].read(name, band, first - begin, part))
            first, count = first + part, count - part
        return np.concatenate(parts)

    def _hold(self, stack: ExitStack, folder: Path) -> bool:
        try:
            stack.enter_context(hold(folder, "block of rows", "wait", passing=True))
        except ConfigError:
            return False
        return True

    def _is_finished(self, first: int) -> bool:
        store = self._stores[first]
        try:
            state = stored_state(store.folder)
        except DataError:
            return False
        begin, last = store.settings["block"]
        return state is not None and state["settings"] == _plain(store.settings) and state["rows"] == last - begin

    def _check(self) -> None:
        for store in self._stores.values():
            try:
                store.load()
            except DataError:
                store.remove()
                raise


def remove_left(path: Path) -> None:
    """Remove what a process that was killed has left of a map that it had finished, unless others are at it.

    Args:
        path: The map; blocks that are younger belong to another run.
    """
    made, folder = path.stat().st_mtime_ns, Path(f"{path}.blocks")
    with suppress(MMHSIError, OSError), hold_outputs([path]):
        for block in [block for block in folder.iterdir() if block.is_dir()]:
            state = block / STATE
            if not state.exists() or state.stat().st_mtime_ns <= made:
                with hold(block, "block of rows", "wait", passing=True):
                    RowStore(block, 1, {}, {}).remove()
        folder.rmdir()


def _plain(settings: object) -> object:
    """As JSON gives it back: lists for tuples."""
    if isinstance(settings, dict):
        return {key: _plain(value) for key, value in settings.items()}
    return [_plain(value) for value in settings] if isinstance(settings, list | tuple) else settings
