"""A trained model over a whole scene, a band of rows in memory at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

from mmhsi.datasets import LabelTable
from mmhsi.datasets.pixelwise import transform_cube
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import ClassMapWriter, CubeReader, open_cube, read_label_map
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.models.preprocessors import gather_windows, normalise_scene
from mmhsi.models.utils import load_weights, read_checkpoint
from mmhsi.registry import MODELS
from mmhsi.visualization import default_palette

from .blending import blend_weight, window_starts
from .rows import read_rows, rows_at_a_time

NO_CLASS = 255
"""Value of pixels without data in a map."""

Progress = Callable[[int, int], None]


class SceneInferencer:
    """Classify every pixel of a scene with a pixel classifier or a segmentor.

    What the model was trained on (bands, window, classes, colours) is read from the checkpoint.

    Args:
        config: Config file or object of the training.
        checkpoint: Weights that it wrote.
        device: Torch device. Default: a GPU where there is one.
        batch_size: Windows at a time. Default 512 pixels for a classifier, 16 tiles for a segmentor.
        window: Side of a segmentor's windows, in pixels. Default: that of the training tiles.
        stride: Step of a segmentor's windows, in pixels. Default: half a window.

    Raises:
        ConfigError: If the checkpoint is of another model or does not say what it was trained on.
        FileFormatError: If the checkpoint cannot be read.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | None = None,
        batch_size: int | None = None,
        window: int | None = None,
        stride: int | None = None,
    ) -> None:
        cfg = config if isinstance(config, Config) else Config.fromfile(config)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        meta = read_checkpoint(checkpoint).get("meta", {}).get("dataset_meta")
        if not meta or not meta.get("classes"):
            raise ConfigError(f"checkpoint {checkpoint}: says nothing of classes; was it written by tools/train.py?")
        self.meta: dict = meta
        self.classes: list[str] = list(meta["classes"])
        self.palette = [tuple(colour) for colour in meta.get("palette") or default_palette(len(self.classes))]
        with DefaultScope.overwrite_default_scope("mmhsi"):
            model = copy.deepcopy(cfg.model)
            model.backbone.pop("init_cfg", None)  # the checkpoint holds every weight
            self.model = MODELS.build(model)
        if getattr(self.model.data_preprocessor, "second_normaliser", None) is not None:
            raise ConfigError(f"checkpoint {checkpoint}: the model takes two sources, a map is made from one")
        load_weights(self.model, checkpoint)
        self.model.to(self.device).eval()
        self.by_pixel = isinstance(self.model, PixelClassifier)
        self.batch_size = batch_size or (512 if self.by_pixel else 16)
        size = window or meta.get("window") or meta.get("tile_size")
        if size is None:
            raise ConfigError(f"checkpoint {checkpoint}: says nothing of a window; give window=…")
        self.window: tuple[int, int] = (size, size) if isinstance(size, int) else (size[0], size[1])
        self.stride = (stride, stride) if stride else (max(1, self.window[0] // 2), max(1, self.window[1] // 2))

    def bands_of(self, reader: CubeReader) -> list[int]:
        """Which bands of a file the model takes.

        Raises:
            DataError: If the file has neither as many bands as the training files nor just those that were used.
        """
        used, present = list(self.meta["bands"]), reader.info.shape[2]
        if present == self.meta["file_bands"]:
            return used
        if present == len(used):
            return list(range(present))
        raise DataError(
            f"{reader.path}: has {present} bands, the model was trained on {len(used)} of files with "
            f"{self.meta['file_bands']}"
        )

    @torch.inference_mode()
    def predict_rows(self, reader: CubeReader) -> Iterator[tuple[int, Tensor, np.ndarray]]:
        """Predict a scene from top to bottom.

        Args:
            reader: Open scene.

        Yields:
            First row, class scores (rows, W, K), and which pixels hold data, bool (rows, W).

        Raises:
            DataError: If the scene does not fit the model or cannot be read.
        """
        bands = self.bands_of(reader)
        height, width, _ = reader.info.shape
        if self.by_pixel:
            if self.window[0] // 2 >= height or self.window[1] // 2 >= width:
                raise DataError(
                    f"{reader.path}: window {self.window[0]} x {self.window[1]} does not fit the scene of "
                    f"{height} x {width} pixels"
                )
            yield from self._classify_pixels(reader, bands)
        else:
            yield from self._segment(reader, bands)

    def _classify_pixels(self, reader: CubeReader, bands: list[int]) -> Iterator[tuple[int, Tensor, np.ndarray]]:
        height, width, _ = reader.info.shape
        step = rows_at_a_time(width, len(bands), reader.info.dtype.itemsize)
        columns = torch.arange(width, device=self.device)
        for row0 in range(0, height, step):
            rows = min(step, height - row0)
            cube, valid = read_rows(reader, bands, row0, rows, self.window, self.meta.get("transforms", ()))
            raw, mask = (torch.from_numpy(array).to(self.device) for array in (cube, valid))
            scene = normalise_scene(self.model.data_preprocessor, raw, mask).contiguous()
            pixels = torch.cartesian_prod(torch.arange(rows, device=self.device), columns)
            scores = []
            for chunk in pixels.split(self.batch_size):
                x = gather_windows(scene, chunk[:, 0], chunk[:, 1], self.window).permute(0, 3, 1, 2)
                scores.append(self.model.predict_scores(x))
            top, left = self.window[0] // 2, self.window[1] // 2
            yield row0, torch.cat(scores).view(rows, width, -1), valid[top : top + rows, left : left + width]

    def _segment(self, reader: CubeReader, bands: list[int]) -> Iterator[tuple[int, Tensor, np.ndarray]]:
        height, width, _ = reader.info.shape
        window = (min(self.window[0], height), min(self.window[1], width))
        weight = blend_weight(*window).to(self.device)
        tops = window_starts(height, window[0], min(self.stride[0], window[0]))
        lefts = window_starts(width, window[1], min(self.stride[1], window[1]))
        # Sums of the rows that windows still to come may reach: at most one window high.
        scores = torch.zeros(window[0], width, len(self.classes), device=self.device)
        weights = torch.zeros(window[0], width, 1, device=self.device)
        valid = np.zeros((0, width), dtype=bool)
        for top, following in zip(tops, [*tops[1:], height], strict=True):
            cube = reader.read(window=(top, 0, window[0], width), bands=bands)
            mask = cube.valid()
            cube = transform_cube(cube, self.meta.get("transforms", ()))
            valid = np.concatenate([valid, mask[len(valid) :]])
            raw, raw_valid = (torch.from_numpy(array).to(self.device) for array in (cube.data, mask))
            for index in range(0, len(lefts), self.batch_size):
                chosen = lefts[index : index + self.batch_size]
                x = torch.stack([raw[:, left : left + window[1]] for left in chosen]).permute(0, 3, 1, 2)
                x_valid = torch.stack([raw_valid[:, left : left + window[1]] for left in chosen])
                logits = self.model.encode_decode(
                    self.model.data_preprocessor.normalise(x, x_valid), [dict(img_shape=window, pad_shape=window)]
                )
                blended = logits.float().softmax(dim=1).mul_(weight).permute(0, 2, 3, 1)  # (b, h, w, K)
                for left, part in zip(chosen, blended, strict=True):
                    scores[:, left : left + window[1]] += part
                    weights[:, left : left + window[1], 0] += weight
            done = following - top
            yield top, scores[:done] / weights[:done], valid[:done]
            scores, weights = scores.roll(-done, 0), weights.roll(-done, 0)
            scores[len(scores) - done :] = 0
            weights[len(weights) - done :] = 0
            valid = valid[done:]

    def write_map(
        self, scene: str | Path, out: str | Path, key: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Classify a scene and write the map as GeoTIFF, row by row.

        Args:
            scene: Any file that ``mmhsi.io`` reads.
            out: GeoTIFF to write: class indices, 255 where there is no data, with colour table, class names and,
                where the scene has them, CRS and transform.
            key: Variable of a ``.mat`` file.
            progress: Called with the rows done and the rows in all.

        Returns:
            The map, uint8, shape (H, W).

        Raises:
            DataError: If the scene does not fit the model, cannot be read, or the map cannot be written.
        """
        with open_cube(scene, key=key) as reader:
            info = reader.info
            height, width, _ = info.shape
            result = np.full((height, width), NO_CLASS, dtype=np.uint8)
            with ClassMapWriter(
                out,
                (height, width),
                class_names=self.classes,
                palette=self.palette,
                nodata=NO_CLASS,
                crs=info.crs,
                transform=info.transform,
            ) as writer:
                for row0, scores, valid in self.predict_rows(reader):
                    classes = scores.argmax(dim=-1).cpu().numpy().astype(np.uint8)
                    classes[~valid] = NO_CLASS
                    writer.write_rows(row0, classes)
                    result[row0 : row0 + len(classes)] = classes
                    if progress is not None:
                        progress(row0 + len(classes), height)
        return result

    def read_truth(self, labels: str | Path, shape: tuple[int, int], key: str | None = None) -> np.ndarray:
        """Read a label map in the model's classes.

        Args:
            labels: Label map with the ids of the training data.
            shape: (H, W) that it must have.
            key: Variable of a ``.mat`` file.

        Returns:
            Class indices, int64, shape (H, W), 255 where there is no label.

        Raises:
            DataError: If it cannot be read, has an unknown id or another size.
        """
        raw = read_label_map(labels, key=key)
        if raw.shape != shape:
            raise DataError(f"{labels}: {raw.shape[0]} x {raw.shape[1]} pixels, the scene has {shape[0]} x {shape[1]}")
        return LabelTable(self.meta["label_ids"], self.classes, self.meta["ignore_ids"])(raw, str(labels))
