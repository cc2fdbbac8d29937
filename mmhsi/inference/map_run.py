"""The map of one scene while it is made: by one process from top to bottom, or by several in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.destinations import check_not_read, check_outputs
from mmhsi.io.file_states import file_states

from .checks import check_space, warn
from .prediction import finished_rows, strip_rows
from .row_blocks import RowBlocks, Sharing
from .row_store import RowStore, stored_state
from .scene_opening import SceneRequest, cube_options, open_for_model
from .stac import check_item, files_of_map, write_item
from .threads import Behind
from .writers import layers_of, values_of, write_products

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from .prediction import Join
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
        paths: Files to write, by what they hold, the map first.
        layers: What is kept of every row, as of :func:`mmhsi.inference.writers.layers_of`.
        numbers: Number of each class in the map, None for its index.
        settings: What the rows depend on beside the windows at a time, as JSON: those of another run are not taken for
            these.
        states: Of the scene's files, as they were opened (:func:`mmhsi.io.file_states.file_states`).
    """

    inferencer: SceneInferencer
    rows: SceneRows
    scene: str | Path
    paths: dict[str, Path]
    layers: dict
    numbers: tuple[int, ...] | None
    settings: dict
    states: list[list]

    @property
    def map(self) -> Path:
        """The first of the files."""
        return next(iter(self.paths.values()))

    def write(self, resume: bool, progress: Progress | None = None, moving: Progress | None = None) -> list[list]:
        """Predict all rows and write the files.

        Args:
            resume: Whether to go on from the finished rows of an interrupted run.
            progress: Called with the rows finished and the rows in all.
            moving: Called after every batch with the rows computed and the rows in all.

        Returns:
            ``states``.

        Raises:
            DataError: As :meth:`mmhsi.inference.SceneInferencer.write_map`.
        """
        folder = Path(f"{self.map}.partial")
        stored = (stored_state(folder) if resume else None) or dict(rows=0, settings={})
        size = stored["settings"].get("batch") if self.inferencer.batch_size == "auto" else None
        if type(size) is not int or size < 1:  # anything, of others' states
            size = self.inferencer.choose_batch(self.rows)
        height, width = self.rows.shape
        store = RowStore(folder, width, self.layers, dict(self.settings, batch=size))
        check_space(folder.parent, store.bytes_per_row * (height - stored["rows"]))
        report = progress or _unheard
        try:
            with store.open(resume):
                moved = None if moving is None else lambda done: moving(done, height)
                report(store.finished, height)
                self._pass(store, size, 0, height, report, moved)
                self._write_products(store)
                store.remove()
        except DataError as error:
            if not store.finished:
                raise
            raise DataError(f"{error}; {store.finished} finished rows are kept in {folder} for --resume") from error
        self._write_item()
        return self.states

    def share(self, sharing: Sharing, progress: Progress | None = None) -> bool:
        """Predict the blocks of rows that no other process has, and write the files if all blocks are finished then.

        Finished blocks lie in the folder ``MAP.blocks`` meanwhile (:class:`mmhsi.inference.row_blocks.RowBlocks`).

        Args:
            sharing: How processes know of each other's maps.
            progress: As for :meth:`write`.

        Returns:
            Whether this process wrote the files.
        """
        blocks = self.blocks(sharing.is_made)
        for first, _ in blocks.spans:
            self.make_block(blocks, first, progress)
        with blocks.joining(self.paths.values()) as whole:
            if whole:
                self._write_products(blocks)
                self._write_item()
                sharing.record(self.states)
        return whole

    def blocks(self, is_made: Callable[[], bool]) -> RowBlocks:
        """The blocks of rows that processes share, the same ones in each.

        Args:
            is_made: As of :class:`mmhsi.inference.row_blocks.RowBlocks`.
        """
        size = self.inferencer.choose_batch(self.rows)
        folder, settings = Path(f"{self.map}.blocks"), dict(self.settings, batch=size)
        return RowBlocks(folder, self.rows.shape, self._block_rows(size), self.layers, settings, is_made)

    def make_block(self, blocks: RowBlocks, first: int, progress: Progress | None = None) -> None:
        """Predict a block of rows, unless another process is at it or it is finished.

        Args:
            blocks: From :meth:`blocks`.
            first: Its first row.
            progress: As for :meth:`write`.
        """
        with blocks.taken(first) as store:
            if store is not None:
                size, last = store.settings["batch"], store.settings["block"][1]
                self._pass(store, size, first, last, progress or _unheard)

    def _pass(
        self,
        store: RowStore,
        batch_size: int,
        first: int,
        last: int,
        report: Progress,
        moved: Callable[[float], None] | None = None,
    ) -> None:
        """Predict rows ``first`` to ``last`` − 1, as far as they are not finished, and keep them behind the model."""
        height, model = self.rows.shape[0], self.inferencer

        @torch.inference_mode()
        def keep(join: Join, scores: Tensor | None) -> None:
            part = finished_rows(join, scores)
            if part is not None:
                store.append(values_of(part, self.layers))

        parts = model.scored(self.rows, batch_size, first + store.finished, last, moved)
        with model.lasting_memory(batch_size), closing(parts), Behind() as behind:
            known = store.finished
            for batch, scores in parts:
                behind.submit(keep, batch.join, scores)  # without its windows, which take memory
                if store.finished > known:
                    known = store.finished
                    report(first + known, height)
        report(first + store.finished, height)

    def _block_rows(self, batch_size: int) -> int:
        """Rows of a block, which begins where a process that passes through the scene alone begins a batch."""
        height, width = self.rows.shape
        model, window = self.inferencer.model, self.inferencer.window
        step = strip_rows(width, 0 if model.takes_rows(window) else batch_size) if model.by_pixel else 1
        least = max(height // BLOCKS, 0 if model.by_pixel else WINDOWS * window[0], 1)
        return -(-least // step) * step

    def _write_products(self, store: RowStore | RowBlocks) -> None:
        model = self.inferencer
        facts = (self.paths, self.rows.reader.info, model.classes, model.palette, self.numbers, model.spec.targets)
        if not write_products(store, *facts):
            warn(f"{self.scene}: no pixel holds data, nothing was classified")

    def _write_item(self) -> None:
        model = self.inferencer
        facts = (model.spec, model.palette, self.numbers, model.model.digest)
        write_item(self.paths, *facts, self.scene, self.rows.reader.info.acquired)


def map_paths(
    inferencer: SceneInferencer,
    out: str | Path,
    probabilities: str | Path | None = None,
    uncertainty: str | Path | None = None,
) -> dict[str, Path]:
    """The files of a map by what they hold, the map first.

    Args:
        inferencer: The model.
        out: As for :meth:`mmhsi.inference.SceneInferencer.write_map`.
        probabilities: Likewise.
        uncertainty: Likewise.

    Raises:
        ConfigError: If the model gives nothing of what is asked for.
    """
    model, targets = inferencer.model, inferencer.spec.targets
    if targets and probabilities is not None:
        raise ConfigError(f"{model.source}: predicts values, which have no probabilities")
    if targets and uncertainty is not None and model.num_outputs == len(targets):
        raise ConfigError(
            f"{model.source}: predicts values without deviations; train its head with loss=GaussianNLLLoss"
        )
    wanted = {"values" if targets else "classes": out, "probabilities": probabilities, "uncertainty": uncertainty}
    return {name: Path(path) for name, path in wanted.items() if path is not None}


@contextmanager
def open_map(
    inferencer: SceneInferencer, request: SceneRequest, paths: dict[str, Path], ids: str = "original"
) -> Iterator[MapRun]:
    """Open a scene whose map is to be written; it is closed when the ``with`` block ends.

    Args:
        inferencer: The model.
        request: The scene.
        paths: From :func:`map_paths`.
        ids: As for :meth:`mmhsi.inference.SceneInferencer.write_map`.

    Raises:
        ConfigError: As there.
        DataError: As there.
    """
    written = [file for path in paths.values() for file in files_of_map(path)]
    check_outputs(written, (request.scene, request.second))
    check_item(next(iter(paths.values())))
    with open_for_model(inferencer.model, request) as rows:
        check_not_read(written, [*rows.reader.files, *(rows.second.files if rows.second else ())])
        model, states = inferencer.model, file_states(rows.reader.files)
        second = rows.second and [*file_states(rows.second.files), request.second_key, request.second_axes]
        settings = dict(
            scene=states or str(request.scene),  # on a server
            key=request.key,
            axes=request.axes,
            options=cube_options(model.spec, request.image_options).given(),
            second=second,
            weights=model.digest,
            window=inferencer.window,
            stride=inferencer.stride,
            amp=model.amp,
            compile=model.compile,
            device=model.device.type,
            scale=1.0 if request.scale is None else request.scale,
            match_wavelengths=request.match_wavelengths,
            layers=list(paths),
        )
        asked = "probabilities" in paths, "uncertainty" in paths
        layers = layers_of(len(inferencer.classes), *asked, len(inferencer.spec.targets))
        numbers = _numbers(ids, inferencer.spec.label_ids)
        yield MapRun(inferencer, rows, request.scene, paths, layers, numbers, settings, states)


def _numbers(ids: str, given: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Number of each class in a map, None for its index."""
    if ids not in ("original", "index"):
        raise ConfigError(f"ids={ids!r} given, expected 'original' or 'index'")
    return given if ids == "original" and given and 0 <= min(given) <= max(given) < 65535 else None


def _unheard(finished: float, whole: int) -> None:
    """Where nobody asked for progress."""
