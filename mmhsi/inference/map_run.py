"""The map of one scene while it is made: by one process from top to bottom, or by several in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmhsi.errors import DataError

from .checks import check_space, warn
from .prediction import strip_rows
from .row_blocks import RowBlocks, Sharing
from .row_store import RowStore
from .stac import write_item
from .writers import values_of, write_products

if TYPE_CHECKING:
    from pathlib import Path

    from .scene_inferencer import SceneInferencer
    from .scene_rows import SceneRows

BLOCKS = 64
"""Blocks of rows, at most, that processes share of a scene."""
WINDOWS = 8
"""Windows of a segmentor that fit into a block below each other: the first one is computed twice, for its edge."""

Progress = Callable[[float, int], None]


@dataclass(frozen=True)
class MapRun:
    """A scene, the model that it is given to, and the files that are written.

    Attributes:
        inferencer: The model.
        rows: The scene.
        scene: Its name.
        paths: Files to write, by what they hold.
        layers: What is kept of every row, as of :func:`mmhsi.inference.writers.layers_of`.
        numbers: Number of each class in the map, None for its index.
        settings: What the rows depend on, as JSON: those of another run are not taken for these.
        batch_size: Windows at a time.
        progress: Called with the rows finished and the rows in all.
    """

    inferencer: SceneInferencer
    rows: SceneRows
    scene: str | Path
    paths: dict[str, Path]
    layers: dict
    numbers: tuple[int, ...] | None
    settings: dict
    batch_size: int
    progress: Progress | None = None

    def alone(self, folder: Path, resume: bool, stored: int, moving: Progress | None = None) -> None:
        """Predict all rows and write the files.

        Args:
            folder: Where finished rows lie meanwhile.
            resume: Whether to go on from those that are there.
            stored: How many these are, for the space on the disk.
            moving: Called after every batch with the rows computed and the rows in all.

        Raises:
            DataError: As :meth:`mmhsi.inference.SceneInferencer.write_map`.
        """
        height, width = self.rows.shape
        store = RowStore(folder, width, self.layers, self.settings)
        check_space(folder.parent, store.bytes_per_row * (height - stored))
        try:
            with store.open(resume):
                moved = None if moving is None else lambda done: moving(done, height)
                self._report(store.finished)
                for part in self.inferencer.predict_rows(self.rows, self.batch_size, store.finished, moved):
                    store.append(values_of(part, self.layers))
                    self._report(store.finished)
            self._write_products(store)
        except DataError as error:
            if not store.finished:
                raise
            raise DataError(f"{error}; {store.finished} finished rows are kept in {folder} for --resume") from error
        store.remove()
        self._write_item()

    def in_blocks(self, folder: Path, sharing: Sharing, states: list[list]) -> bool:
        """Predict the blocks of rows that no other process has, and write the files if all blocks are finished then.

        Args:
            folder: Where finished blocks lie meanwhile.
            sharing: How processes know of each other's maps.
            states: Of the scene's files, as they were opened.

        Returns:
            Whether this process wrote the files.
        """
        blocks = RowBlocks(folder, self.rows.shape, self._block_rows(), self.layers, self.settings, sharing.is_made)
        for first, last in blocks.spans:
            with blocks.taken(first) as store:
                if store is None:
                    continue
                for part in self.inferencer.predict_rows(self.rows, self.batch_size, first + store.finished):
                    store.append(values_of(part.above(last), self.layers))
                    self._report(first + store.finished)
                    if first + store.finished == last:
                        break
        with blocks.joining(self.paths.values()) as whole:
            if whole:
                self._write_products(blocks)
                self._write_item()
                sharing.record(states)
        return whole

    def _block_rows(self) -> int:
        """Rows of a block, which begins where a process that passes through the scene alone begins a batch."""
        height, width = self.rows.shape
        model, window = self.inferencer.model, self.inferencer.window
        step = strip_rows(width, 0 if model.takes_rows(window) else self.batch_size) if model.by_pixel else 1
        least = max(height // BLOCKS, 0 if model.by_pixel else WINDOWS * window[0], 1)
        return -(-least // step) * step

    def _report(self, finished: int) -> None:
        if self.progress is not None:
            self.progress(finished, self.rows.shape[0])

    def _write_products(self, store: RowStore | RowBlocks) -> None:
        model = self.inferencer
        facts = (self.paths, self.rows.reader.info, model.classes, model.palette, self.numbers, model.spec.targets)
        if not write_products(store, *facts):
            warn(f"{self.scene}: no pixel holds data, nothing was classified")

    def _write_item(self) -> None:
        model = self.inferencer
        facts = (model.spec, model.palette, self.numbers, model.model.digest)
        write_item(self.paths, *facts, self.scene, self.rows.reader.info.acquired)
