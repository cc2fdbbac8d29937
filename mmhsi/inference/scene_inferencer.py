"""A trained model over a whole scene, a band of rows in memory at a time."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from mmhsi.errors import ConfigError
from mmhsi.io.lock import hold_outputs
from mmhsi.models.presence import PresenceClassifier
from mmhsi.progress import begin

from .map_run import map_paths, open_map
from .prediction import PredictedRows, joined, pixel_batches, row_batches, scored, window_batches
from .scene_opening import SceneRequest, open_for_model
from .window_model import WindowModel

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from mmengine.config import Config
    from torch import Tensor

    from .map_run import Progress
    from .prediction import Batch
    from .scene_rows import SceneRows

DEFAULT_BATCH = {True: 512, False: 16}
"""Windows at a time: of a pixel classifier, of a segmentor."""


class SceneInferencer:
    """Classify every pixel of a scene with a pixel classifier or a segmentor.

    What the model was trained on (bands, window, classes, colours) is read from the checkpoint.

    Args:
        config: Config file or object of the training; None for a published checkpoint, which carries the model.
        checkpoint: Weights that it wrote.
        device: Torch device. Default: a GPU where there is one.
        batch_size: Windows at a time; ``'auto'`` doubles them while that pays and memory lasts. Default 512 pixels for
            a classifier, 16 tiles for a segmentor.
        window: Side of a segmentor's windows, in pixels. Default: that of the training; a classifier of pixels takes no
            other.
        stride: Step of a segmentor's windows, in pixels, at most the window. Default: half a window.
        amp: Whether the model runs in bfloat16, or in float16 on GPUs that lack it. Default False.
        compile: Whether ``torch.compile`` makes the model's passes: up to twice as fast, equal within 1e-6, after some
            seconds to half a minute of compiling. Default False.

    Attributes:
        classes: Class names.
        palette: Their colours.
        spec: What the model was trained on.

    Raises:
        ConfigError: If the checkpoint is of another model, of one that tells which classes occur in a tile, or does not
            say what it was trained on, window, stride or batch size cannot work or are not for it, or torch cannot
            compile it here.
        FileFormatError: If the checkpoint cannot be read.

    Example:
        >>> inferencer = SceneInferencer(None, "model-1a2b3c4d.pth")  # doctest: +SKIP
        >>> inferencer.write_map("cube.hdr", "map.tif")  # doctest: +SKIP
    """

    def __init__(
        self,
        config: str | Path | Config | None,
        checkpoint: str | Path,
        device: str | None = None,
        batch_size: int | Literal["auto"] | None = None,
        window: int | None = None,
        stride: int | None = None,
        amp: bool = False,
        compile: bool = False,
    ) -> None:
        begin("loading the model")
        self.model = WindowModel(config, checkpoint, device, amp, compile)
        if isinstance(self.model.network, PresenceClassifier):
            raise ConfigError(
                f"{self.model.source} tells which classes occur in a tile (PresenceClassifier), which is no map of "
                "pixels; its scores on tiles: mmhsi test"
            )
        self.spec = self.model.spec
        self.classes = self.model.classes
        self.palette = self.model.palette
        self.batch_size = DEFAULT_BATCH[self.model.by_pixel] if batch_size is None else batch_size
        size = self.spec.window if window is None else (window, window)
        if size is None:
            raise ConfigError(f"checkpoint {checkpoint}: says nothing of a window; give window=…")
        self.window = size
        if min(self.window) < 1:
            raise ConfigError(f"window {window} given, expected at least 1 pixel")
        if self.model.by_pixel and self.window != (self.spec.window or self.window):
            trained = " x ".join(map(str, self.spec.window or ()))
            raise ConfigError(
                f"window {window} given, but {self.model.source} classifies pixels by {trained} around each"
            )
        if self.model.by_pixel and stride is not None:
            raise ConfigError(f"stride {stride} given, but {self.model.source} classifies pixels, one after another")
        h, w = self.window
        self.stride = (max(1, h // 2), max(1, w // 2)) if stride is None else (stride, stride)
        if not (1 <= self.stride[0] <= h and 1 <= self.stride[1] <= w):
            raise ConfigError(f"stride {stride} given, expected 1 to the window's {min(self.window)} pixels")
        if self.batch_size != "auto" and self.batch_size < 1:
            raise ConfigError(f"batch_size={batch_size} given, expected at least 1 or 'auto'")

    def __repr__(self) -> str:
        from .model_display import summary

        return summary(self)

    def _repr_html_(self) -> str:
        from .model_display import notebook_page

        return notebook_page(self)

    @property
    def way(self) -> str:
        """How scenes are passed through, for people: by rows, by pixels or by windows."""
        return f"{self._way}, compiled" if self.model.compile else self._way

    @property
    def _way(self) -> str:
        h, w = self.window
        if self.model.takes_rows(self.window):
            return f"whole rows at once, equal to windows of {h} x {w} pixels"
        if self.model.seen_window(self.window) == (1, 1):
            if any(step["type"] == "SceneChannels" for step in self.spec.transforms):
                return "pixel by pixel, by channels of its surroundings"
            return "pixel by pixel: the model sees nothing around a pixel"
        if self.model.by_pixel:
            shared = ", all embedded once" if self.model.embeds_pixels else ""
            return f"a window of {h} x {w} pixels around each pixel{shared}"
        return f"windows of {h} x {w} pixels, a step of {self.stride[0]} x {self.stride[1]}"

    def open_scene(
        self,
        scene: str | Path,
        key: str | None = None,
        second: str | Path | None = None,
        second_key: str | None = None,
        scale: float | None = None,
        match_wavelengths: bool = False,
        axes: str | None = None,
        image_options: Mapping[str, object] | None = None,
        second_axes: str | None = None,
    ) -> SceneRows:
        """Open a scene and check that it fits the model; what is doubtful about it becomes a ``SceneWarning``.

        Args:
            scene: Any file that ``mmhsi.io`` reads.
            key: Variable of a ``.mat`` file.
            second: Second source on the same ground, for models that take one.
            second_key: Its variable.
            scale: Factor that brings the scene's values to the units of the training. Default: none, and counts do not
                stand in for values with a unit or the other way round.
            match_wavelengths: Whether the scene's good bands are resampled to the wavelengths of the training, by
                linear interpolation. Default False: the file must have the training's bands.
            axes: Axes of the scene's array where its file does not name them (:func:`mmhsi.io.open_cube`).
            image_options: How the scene is opened beside that, such as ``dict(mask=["cloud"])``
                (:class:`mmhsi.io.CubeOptions`). Default: as in training.
            second_axes: Axes of the second source's array, as ``axes``.

        Returns:
            The scene, to be used in a ``with`` statement.

        Raises:
            ConfigError: If the model takes two sources in a way that has no map, or was trained behind a transform that
                a scene cannot be given in parts.
            DataError: If a file cannot be read or does not fit the model.
        """
        request = SceneRequest(
            scene, key, second, second_key, scale, match_wavelengths, axes, image_options, second_axes
        )
        return open_for_model(self.model, request)

    @torch.inference_mode()
    def predict_rows(
        self,
        rows: SceneRows,
        batch_size: int | None = None,
        start: int = 0,
        progress: Callable[[float], None] | None = None,
    ) -> Iterator[PredictedRows]:
        """Predict a scene from top to bottom.

        Args:
            rows: From :meth:`open_scene`.
            batch_size: Windows at a time. Default: as the inferencer has it.
            start: Row to begin with: the end of some rows that an earlier call gave.
            progress: Called after every batch with the rows done, parts of rows included. Default None.

        Yields:
            First row, class probabilities (K, rows, W), and which pixels hold data, bool (rows, W).

        Raises:
            ConfigError: If the model gives another number of classes, or memory does not last for a batch.
            DataError: If the scene cannot be read.
        """
        size = batch_size or self.choose_batch(rows)
        with self.lasting_memory(size):
            yield from joined(self.scored(rows, size, start, progress=progress))

    @torch.inference_mode()
    def scored(
        self,
        rows: SceneRows,
        batch_size: int,
        start: int = 0,
        stop: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Generator[tuple[Batch, Tensor | None]]:
        """Pass the batches of a scene through the model; :func:`mmhsi.inference.prediction.joined` makes rows of them.

        Args:
            rows: From :meth:`open_scene`.
            batch_size: Windows at a time.
            start: As for :meth:`predict_rows`.
            stop: Row to end before: one that a batch may begin with. Default: the scene's height.
            progress: As for :meth:`predict_rows`.

        Yields:
            Each batch, and its scores: (B, K) of windows of a classifier, (B, K, h, w) of a segmentor, (K, rows, W) of
            whole rows; None without windows.
        """
        model, window = self.model, self.window
        if model.takes_rows(window):
            batches = row_batches(rows, window, start, stop)
            yield from scored(rows, batches, partial(model.predict_rows, window=window), progress)
            return
        if model.by_pixel:
            embed, score = (model.embed_pixels, model.of_embedded) if model.embeds_pixels else (None, model)
            seen = model.seen_window(window)
            batches = pixel_batches(rows, model.num_outputs, seen, batch_size, start, stop, embed)
        else:
            score = model
            outputs, of_values = model.num_outputs, bool(self.spec.targets)
            batches = window_batches(rows, outputs, window, self.stride, batch_size, start, stop, of_values)
        yield from scored(rows, batches, score, progress)

    @contextmanager
    def lasting_memory(self, batch_size: int) -> Iterator[None]:
        """Say in one line that memory does not last.

        Args:
            batch_size: Windows at a time.

        Raises:
            ConfigError: If it does not.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise  # on a CPU torch has no class of its own for a lack of memory
            raise ConfigError(
                f"{self.model.device}: memory does not last for {batch_size} windows at a time; give a smaller "
                "--batch-size"
            ) from error

    def choose_batch(self, rows: SceneRows) -> int:
        """Windows at a time, found out where that is wanted.

        Args:
            rows: From :meth:`open_scene`.
        """
        if self.batch_size != "auto":
            return self.batch_size
        if self.model.takes_rows(self.window):
            return DEFAULT_BATCH[True]  # of which rows take no notice
        return self.model.fastest_batch(rows.take(0, 1)[0].shape[2], self.window)

    def write_map(
        self,
        scene: str | Path,
        out: str | Path,
        key: str | None = None,
        second: str | Path | None = None,
        second_key: str | None = None,
        probabilities: str | Path | None = None,
        uncertainty: str | Path | None = None,
        scale: float | None = None,
        match_wavelengths: bool = False,
        resume: bool = False,
        progress: Progress | None = None,
        axes: str | None = None,
        ids: Literal["original", "index"] = "original",
        image_options: Mapping[str, object] | None = None,
        second_axes: str | None = None,
        moving: Progress | None = None,
    ) -> list[list]:
        """Classify a scene and write the map as GeoTIFF, a band of rows in memory at a time.

        Of a model of values the map has a float32 band of each target, NaN where there is no data, and ``uncertainty``
        their standard deviations.

        Finished rows lie in the folder ``OUT.partial`` until the run ends. The files appear under their names when all
        rows are there; a run that fails or is killed leaves none, but its finished rows.

        Args:
            scene: Any file that ``mmhsi.io`` reads.
            out: GeoTIFF to write: a number a class, 255 where there is no data (0 or 65535 where that is a class's),
                with colour table, class names and, where the scene has them, CRS and transform; a QGIS style and a STAC
                item (``NAME.stac.json``) beside it.
            key: Variable of a ``.mat`` file.
            second: Second source on the same ground, for models that take one.
            second_key: Its variable.
            probabilities: GeoTIFF for the probability of every class, one float32 band each. Default: none.
            uncertainty: GeoTIFF for the entropy of the probabilities divided by ln K, 0 to 1. Default: none.
            scale: Factor that brings the scene's values to the units of the training. Default: none, and counts do not
                stand in for values with a unit or the other way round.
            match_wavelengths: Whether the scene's bands are resampled to those of the training. Default False.
            resume: Whether to go on from the finished rows of an interrupted run, to the same bytes. Default False:
                they are dropped, and nothing else is.
            progress: Called with the rows finished and the rows in all.
            axes: Axes of the scene's array where its file does not name them (:func:`mmhsi.io.open_cube`).
            ids: ``'original'``: the map has the ids of the labels that the model was trained on, where it was given
                some between 0 and 65535; ``'index'``: 0 to K−1. Default ``'original'``.
            image_options: How the scene is opened beside that, such as ``dict(mask=["cloud"])``
                (:class:`mmhsi.io.CubeOptions`). Default: as in training.
            second_axes: Axes of the second source's array, as ``axes``.
            moving: Called after every batch with the rows computed, parts of rows included, and the rows in all: for a
                bar. Default None.

        Returns:
            The scene's files, with what tells them from later ones (:func:`mmhsi.io.file_states.file_states`).

        Raises:
            ConfigError: If the model does not fit the checkpoint or gives nothing of what is asked for, memory does not
                last, or another run writes a file of these.
            DataError: If the scene does not fit the model or cannot be read, an output cannot be written, the folder
                holds files of others, or the interrupted run had other settings or was of a scene that has changed.
        """
        request = SceneRequest(
            scene, key, second, second_key, scale, match_wavelengths, axes, image_options, second_axes
        )
        paths = map_paths(self, out, probabilities, uncertainty)
        with hold_outputs(paths.values()), open_map(self, request, paths, ids) as run:
            return run.write(resume, progress, moving)
