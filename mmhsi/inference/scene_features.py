"""What a trained model makes of every pixel before it decides: features for whatever comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mmhsi.models.classical import ClassicalClassifier
from mmhsi.models.mean_of_classifiers import ClassifierMembers, MeanOfClassifiers

from .prediction import classify_rows
from .scene_inferencer import SceneInferencer

if TYPE_CHECKING:
    from pathlib import Path

    from mmengine.config import Config
    from numpy.typing import NDArray


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
        float32 array (H, W, d), NaN where there is no data. It is in memory as a whole.

    Raises:
        ConfigError: If the scene does not fit the model.
        DataError: If a file cannot be read.
        FileFormatError: If the checkpoint is none, or carries no model.
    """
    inferencer = SceneInferencer(config, checkpoint, device, batch_size)
    network, window = inferencer.model.network, inferencer.window
    with inferencer.open_scene(cube, key, second, second_key, axes=axes) as rows, torch.inference_mode():
        channels = rows.take(0, 1)[0].shape[2]
        probe = torch.zeros(1, channels, *window, device=inferencer.model.device)
        count = window_features(network, probe).shape[1]
        found = np.full((*rows.shape, count), np.nan, dtype=np.float32)
        size = inferencer.batch_size if isinstance(inferencer.batch_size, int) else inferencer._batch_size(rows)

        def score(x: Tensor) -> Tensor:
            return window_features(network, x)

        for first, values, valid in classify_rows(rows, score, count, window, size):
            part = found[first : first + len(valid)]
            part[valid] = values.permute(1, 2, 0).cpu().numpy()[valid]
    return found
