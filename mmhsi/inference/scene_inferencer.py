"""A trained model over a whole scene, a band of rows in memory at a time."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from mmhsi.carried_config import check_carried_config
from mmhsi.datasets.replay import Replay
from mmhsi.datasets.scene import open_second
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import CubeInfo, CubeOptions
from mmhsi.io.destinations import check_outputs
from mmhsi.io.files import file_states
from mmhsi.io.lock import hold_outputs
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.value_origins import mixed_up
from mmhsi.progress import begin
from mmhsi.registry import CHANNELS, TRANSFORMS

from .checks import (
    choose_scene_bands,
    doubtful_scale,
    doubtful_wavelengths,
    matching_transform,
    warn,
    warn_of_no_place,
)
from .map_run import MapRun, Progress
from .prediction import PredictedRows, classify_dense, classify_rows, segment_rows
from .row_store import stored_state
from .scene_rows import SceneRows
from .window_model import WindowModel
from .writers import layers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mmengine.config import Config

    from .row_blocks import Sharing

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
        window: Side of a segmentor's windows, in pixels. Default: that of the training tiles.
        stride: Step of a segmentor's windows, in pixels, at most the window. Default: half a window.
        amp: Whether the model runs in bfloat16, or in float16 on GPUs that lack it. Default False.

    Attributes:
        classes: Class names.
        palette: Their colours.
        spec: What the model was trained on.

    Raises:
        ConfigError: If the checkpoint is of another model or does not say what it was trained on, or window, stride or
            batch size cannot work.
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
    ) -> None:
        begin("loading the model")
        self.model = WindowModel(config, checkpoint, device, amp)
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
        h, w = self.window
        if self.model.takes_rows(self.window):
            return f"whole rows at once, equal to windows of {h} x {w} pixels"
        if self.model.seen_window(self.window) == (1, 1):
            return "pixel by pixel, of which alone the model sees something"
        if self.model.by_pixel:
            return f"a window of {h} x {w} pixels around each pixel"
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
        preprocessor = self.model.preprocessor
        joined = getattr(preprocessor, "second_normaliser", None) is not None
        wants_second = joined or self.spec.second_in_transforms
        if joined and preprocessor.second == "separate":
            raise ConfigError("the model takes its second source apart; maps are made of joined sources alone")
        if wants_second != (second is not None):
            raise DataError(
                f"{scene}: the model takes {'two sources; give --second' if wants_second else 'one source'}"
            )
        with ExitStack() as opened:
            options = self.cube_options(image_options)
            reader = opened.enter_context(open_reader(scene, key, 3, axes, options))
            other = None
            if second is not None:
                other = opened.enter_context(open_second(Path(second), second_key, reader.info, axes=second_axes))
                count = preprocessor.second_normaliser.num_bands if joined else self.spec.second_bands
                if other.info.shape[2] != count:
                    raise DataError(
                        f"{second}: has {other.info.shape[2]} bands, the model takes {count} of a second source"
                    )
            wrong = None if scale is not None else mixed_up(self.spec.values, reader.info.values)
            if wrong:
                raise DataError(f"{scene}: {wrong}")
            bands, replay = self._bands_and_transforms(reader.info, scale, match_wavelengths)
            rows = SceneRows(reader, bands, replay, preprocessor, self.spec.wavelengths, other)
            warn_of_no_place(reader.info, scene)
            doubt = doubtful_scale(rows, self.spec.values)
            if doubt:
                warn(doubt)
            opened.pop_all()  # the caller closes them
        return rows

    def cube_options(self, given: Mapping[str, object] | None = None) -> CubeOptions:
        """How scenes are opened: as in training, but for what is given.

        Args:
            given: Options by name.
        """
        return CubeOptions.of({**self.spec.image_options, **(given or {})})

    def _bands_and_transforms(
        self, info: CubeInfo, scale: float | None, match_wavelengths: bool
    ) -> tuple[list[int], Replay]:
        """Which bands are read, and what becomes of them before they are normalised."""
        transforms: list[dict] = [] if scale in (None, 1) else [dict(type="ScaleReflectance", factor=scale)]
        if match_wavelengths:
            bands = [int(band) for band in info.good_bands.nonzero()[0]]
            transforms.append(matching_transform(info, self.spec.wavelengths))
        else:
            bands = choose_scene_bands(info, self.spec)
            doubt = doubtful_wavelengths(info, bands, self.spec.wavelengths)
            if doubt:
                warn(doubt)
        # Before they are built: they came with the weights.
        carried = list(self.spec.transforms)
        check_carried_config(carried, f"{self.model.source}: its transforms", (TRANSFORMS, CHANNELS), files="file")
        return bands, Replay([*transforms, *carried], self.model.source)

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
        size = batch_size or self._batch_size(rows)
        try:
            if self.model.takes_rows(self.window):
                yield from classify_dense(rows, self.model.rows, self.window, start)
            elif self.model.by_pixel:
                seen = self.model.seen_window(self.window)
                yield from classify_rows(rows, self.model, self.model.num_outputs, seen, size, start, progress)
            else:
                count, of_values = self.model.num_outputs, bool(self.spec.targets)
                yield from segment_rows(
                    rows, self.model, count, self.window, self.stride, size, start, progress, of_values
                )
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise  # on a CPU torch has no class of its own for a lack of memory
            raise ConfigError(
                f"{self.model.device}: memory does not last for {size} windows at a time; give a smaller --batch-size"
            ) from error

    def _ids(self, ids: str) -> tuple[int, ...] | None:
        """Number of each class in a map, None for its index."""
        if ids not in ("original", "index"):
            raise ConfigError(f"ids={ids!r} given, expected 'original' or 'index'")
        given = self.spec.label_ids
        return given if ids == "original" and given and 0 <= min(given) <= max(given) < 65535 else None

    def _batch_size(self, rows: SceneRows) -> int:
        """Windows at a time, found out where that is wanted."""
        if self.batch_size != "auto":
            return self.batch_size
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
        shared: Sharing | None = None,
    ) -> list[list] | None:
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
            shared: Given where other processes may be at the same map (:class:`mmhsi.inference.row_blocks.RowBlocks`):
                this one takes blocks of rows that no other has, and writes the files if it finds all of them finished.
                Default None: there are no others.

        Returns:
            The scene's files: path, bytes and time of the last change of each; None if another process writes the map.

        Raises:
            ConfigError: If the model does not fit the checkpoint or gives nothing of what is asked for, memory does not
                last, or another run writes a file of these.
            DataError: If the scene does not fit the model or cannot be read, an output cannot be written, the folder
                holds files of others, or the interrupted run had other settings or was of a scene that has changed.
        """
        targets = self.spec.targets
        if targets and probabilities is not None:
            raise ConfigError(f"{self.model.source}: predicts values, which have no probabilities")
        if targets and uncertainty is not None and self.model.num_outputs == len(targets):
            raise ConfigError(
                f"{self.model.source}: predicts values without deviations; train its head with loss=GaussianNLLLoss"
            )
        wanted = {"values" if targets else "classes": out, "probabilities": probabilities, "uncertainty": uncertainty}
        paths = {name: Path(path) for name, path in wanted.items() if path is not None}
        check_outputs(paths.values(), (scene, second))
        folder = Path(f"{out}.partial")
        with (
            nullcontext() if shared else hold_outputs(paths.values()),
            self.open_scene(
                scene, key, second, second_key, scale, match_wavelengths, axes, image_options, second_axes
            ) as rows,
        ):
            check_outputs(paths.values(), rows.reader.files)
            stored = stored_state(folder) if resume and not shared else None
            size = stored["settings"].get("batch") if stored and self.batch_size == "auto" else None
            size = size if type(size) is int and size > 0 else self._batch_size(rows)  # anything, of others' states
            settings = dict(
                scene=file_states(rows.reader.files) or str(scene),  # on a server
                key=key,
                axes=axes,
                options=self.cube_options(image_options).given(),
                second=None if rows.second is None else [*file_states(rows.second.files), second_key, second_axes],
                weights=self.model.digest,
                window=self.window,
                stride=self.stride,
                batch=size,
                amp=self.model.amp,
                device=self.model.device.type,
                scale=1.0 if scale is None else scale,
                match_wavelengths=match_wavelengths,
                layers=list(paths),
            )
            asked = "probabilities" in paths, "uncertainty" in paths
            layers = layers_of(len(self.classes), *asked, len(targets))
            states = file_states(rows.reader.files)
            run = MapRun(self, rows, scene, paths, layers, self._ids(ids), settings, size, progress)
            if shared:
                return states if run.in_blocks(Path(f"{out}.blocks"), shared, states) else None
            run.alone(folder, resume, stored["rows"] if stored else 0, moving)
            return states
