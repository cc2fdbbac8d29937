"""What a trained model makes of every pixel before it decides: features for whatever comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mmhsi.io.feature_maps import SIDE, feature_writer
from mmhsi.models.classical import ClassicalClassifier
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.models.dense import dense_parts
from mmhsi.models.mean_of_classifiers import ClassifierMembers, MeanOfClassifiers
from mmhsi.models.preprocessors import WindowSampler
from mmhsi.models.protocols import PixelEmbeddingBackbone, check_protocol
from mmhsi.progress import watched

from .prediction import joined, pixel_batches, row_batches, scored
from .scene_inferencer import SceneInferencer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mmengine.config import Config
    from numpy.typing import NDArray

    from .feature_basis import FeatureBasis
    from .scene_rows import SceneRows


def window_features(network: nn.Module, x: Tensor) -> Tensor:
    """Features of the centre pixels of windows, (B, d).

    Of a network the last map of its backbone at the window's middle; of classical classifiers the channels that they
    learn from; of a mean of several those of all members behind each other.

    Args:
        network: A classifier of pixels, or a segmentor.
        x: Normalised windows, (B, C, h, w).
    """
    if isinstance(network, MeanOfClassifiers):
        members = network.backbone
        assert isinstance(members, ClassifierMembers)  # its constructor sees to it
        parts = zip(members.cut(x), members.networks, strict=True)
        return torch.cat([window_features(member, part) for part, member in parts], dim=1)
    if not isinstance(network, ClassicalClassifier):
        maps: Tensor = network.backbone(x)[-1]  # type: ignore[operator]
        x = maps
    return x[:, :, x.shape[2] // 2, x.shape[3] // 2].float()


class PixelFeatures:
    """Features of all pixels of scenes by one model.

    Args:
        inferencer: The model.
        batch_size: Windows at a time. Default: as the inferencer has it.
    """

    def __init__(self, inferencer: SceneInferencer, batch_size: int | None = None) -> None:
        self.inferencer = inferencer
        self.network = inferencer.model.network
        self.window = inferencer.window
        self.batch_size = batch_size

    @property
    def in_rows(self) -> bool:
        """Whether whole rows are passed at once."""
        return isinstance(self.network, PixelClassifier) and bool(dense_parts(self.network.backbone, self.window))

    @torch.inference_mode()
    def count(self, rows: SceneRows) -> int:
        """Features d of a pixel.

        Args:
            rows: The scene, open.
        """
        channels = rows.take(0, 1)[0].shape[2]
        probe = torch.zeros(1, channels, *self.window, device=self.inferencer.model.device)
        return window_features(self.network, probe).shape[1]

    @torch.inference_mode()
    def blocks(self, rows: SceneRows) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Features from top to bottom.

        Args:
            rows: The scene, open.

        Yields:
            First row, and features (rows, W, d), NaN where there is no data.
        """
        if self.in_rows:
            found = scored(rows, row_batches(rows, self.window), self._row_features)
        else:
            size = self.batch_size or self.inferencer.choose_batch(rows)
            model = self.inferencer.model
            shared = model.embeds_pixels
            embed, features = (model.embed_pixels, self._of_embedded) if shared else (None, self._features)
            found = scored(rows, pixel_batches(rows, self.count(rows), self.window, size, embed=embed), features)
        for first, values, valid in joined(found):
            part = values.permute(1, 2, 0).cpu().numpy()
            part[~valid] = np.nan
            yield first, part

    @torch.inference_mode()
    def sample(self, rows: SceneRows, lines: int = 64, columns: int = 64) -> NDArray[np.float32]:
        """Features of pixels on some rows and columns, evenly spread over a scene.

        Args:
            rows: The scene, open; it has to be opened anew to be passed through from its top.
            lines: Rows, at most. Default 64.
            columns: Pixels with data of each, at most. Default 64.

        Returns:
            Shape (n, d).
        """
        (height, width), (h, w) = rows.shape, self.window
        rows.pad_columns(-(w // 2), width + (w - 1) // 2)
        parts = []
        some = np.unique(np.linspace(0, height - 1, lines).astype(int)).tolist()
        for row in watched(some, "looking at some rows"):
            scene, valid = rows.take(row - h // 2, row + (h - 1) // 2 + 1)
            there = np.flatnonzero(valid[h // 2, w // 2 : w // 2 + width])
            chosen = there[np.unique(np.linspace(0, len(there) - 1, columns).astype(int))] if len(there) else there
            if not len(chosen):
                continue
            places = torch.from_numpy(chosen).to(scene.device)
            windows = WindowSampler(scene, margin=self.window).windows(torch.zeros_like(places), places, self.window)
            parts.append(self._features(windows).cpu().numpy())
        return np.concatenate(parts) if parts else np.empty((0, self.count(rows)), np.float32)

    def _features(self, x: Tensor) -> Tensor:
        with self.inferencer.model.precision():
            return window_features(self.network, x)

    def _of_embedded(self, pixels: Tensor) -> Tensor:
        """Those of windows (B, e, h, w) of embedded pixels."""
        backbone = check_protocol("features", self.network.backbone, PixelEmbeddingBackbone)
        with self.inferencer.model.precision():
            maps = backbone.forward_embedded(pixels)[-1]
        return maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].float()

    def _row_features(self, image: Tensor) -> Tensor:
        """Features (d, H − h + 1, W − w + 1) of an image, those of the windows' middles."""
        rows, columns = (size - side + 1 for size, side in zip(image.shape[2:], self.window, strict=True))
        found = []
        with self.inferencer.model.precision():
            for part in dense_parts(self.network.backbone, self.window):
                top, left = (side // 2 * part.scale for side in part.size)
                found.append(part.maps(part.embed(image))[0, :, top : top + rows, left : left + columns])
        return torch.cat(found).float()


def scene_features(
    cube: str | Path,
    checkpoint: str | Path,
    *,
    config: str | Path | Config | None = None,
    key: str | None = None,
    axes: str | None = None,
    second: str | Path | None = None,
    second_key: str | None = None,
    device: str | None = None,
    batch_size: int | None = None,
) -> NDArray[np.float32]:
    """Features of every pixel of a scene by a trained model, from the window around it.

    Args:
        cube: Any file that :func:`mmhsi.io.open_cube` reads.
        checkpoint: Model of ``mmhsi classify``, a published one, or with ``config`` one that ``mmhsi train`` wrote.
        config: Config of the training. Default: the checkpoint carries its model.
        key: Variable of a ``.mat`` or HDF5 file.
        axes: Axes of the cube where its file does not name them.
        second: Second source on the same ground, for models that take one.
        second_key: Its variable.
        device: Torch device. Default: a GPU where there is one.
        batch_size: Windows at a time. Default: as :class:`SceneInferencer`.

    Returns:
        float32 array (H, W, d), NaN where there is no data. It is in memory as a whole; ``mmhsi embed`` writes files.

    Raises:
        ConfigError: If the scene does not fit the model.
        DataError: If a file cannot be read.
        FileFormatError: If the checkpoint is none, or carries no model.
    """
    features = PixelFeatures(SceneInferencer(config, checkpoint, device, batch_size))
    with features.inferencer.open_scene(cube, key, second, second_key, axes=axes) as rows:
        found = np.empty((*rows.shape, features.count(rows)), dtype=np.float32)
        for first, values in features.blocks(rows):
            found[first : first + len(values)] = values
    return found


def write_features(
    features: PixelFeatures,
    rows: SceneRows,
    out: str | Path,
    basis: FeatureBasis | None = None,
    half: bool = True,
    progress: Callable[[float, int], None] | None = None,
) -> int:
    """Write the features of a scene, a band of rows in memory at a time.

    Args:
        features: Of the model.
        rows: The scene, open.
        out: ``.tif`` or ``.zarr`` (:func:`mmhsi.io.feature_maps.feature_writer`).
        basis: What the features are projected on. Default None: they stay as they are.
        half: Whether float16 is kept. Default True.
        progress: Called with the rows done and the rows in all.

    Returns:
        Features a pixel.

    Raises:
        ConfigError: The suffix is unknown, or zarr is not installed.
        DataError: The file cannot be written.
    """
    info, (height, width) = rows.reader.info, rows.shape
    count = features.count(rows) if basis is None else len(basis.axes)
    waiting = np.empty((SIDE, width, count), dtype=np.float32)  # whole tiles are written at once
    with feature_writer(out, (height, width, count), info.crs, info.transform, half) as writer:
        for first, values in features.blocks(rows):
            part = values if basis is None else basis(values)
            done = 0
            while done < len(part):
                at = (first + done) % SIDE
                take = min(SIDE - at, len(part) - done)
                waiting[at : at + take] = part[done : done + take]
                done += take
                end = first + done
                if end % SIDE == 0 or end == height:
                    writer.write(end - at - take, waiting[: at + take])
            if progress is not None:
                progress(first + len(part), height)
    return count
