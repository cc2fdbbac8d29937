"""Label maps that are finer than the cube, brought to its grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmhsi.errors import ConfigError, DataError

from .labels import IGNORE_INDEX


def require_grid(path: str | Path, labels: tuple[int, ...], cube: str, size: tuple[int, ...], scale: int) -> None:
    """Refuse a label map of another size than its cube.

    Args:
        path: The label map's file, for the message.
        labels: Its rows and columns.
        cube: The cube's file, for the message.
        size: Rows and columns of the cube.
        scale: Label pixels per cube pixel along each axis.

    Raises:
        DataError: If it is.
    """
    if labels != (size[0] * scale, size[1] * scale):
        at_scale = f" at label_scale={scale}" if scale > 1 else ""
        raise DataError(
            f"{path}: label map of {labels[0]} x {labels[1]} pixels, but {cube} has {size[0]} x {size[1]}{at_scale}"
        )


def majority_labels(labels: np.ndarray, scale: int, majority: int | None = None) -> np.ndarray:
    """Give every cube pixel the class that most of its label pixels have.

    Args:
        labels: Class indices, :data:`IGNORE_INDEX` where there is none, shape (H · s, W · s).
        scale: s, label pixels per cube pixel along each axis.
        majority: Label pixels of a block of s² that must agree. Default: more than half.

    Returns:
        Class indices, shape (H, W); :data:`IGNORE_INDEX` where no class has the majority, and where two have it
        equally often.

    Raises:
        ConfigError: If the sides do not divide by ``scale`` or ``majority`` exceeds a block.
    """
    if scale == 1:
        return labels
    needed = scale**2 // 2 + 1 if majority is None else majority
    if not 1 <= needed <= scale**2:
        raise ConfigError(f"label_majority={majority}: a block of label_scale={scale} has {scale**2} label pixels")
    height, width = labels.shape
    if height % scale or width % scale:
        raise ConfigError(f"label map of {height} x {width} pixels does not divide into blocks of label_scale={scale}")
    blocks = labels.reshape(height // scale, scale, width // scale, scale)
    best = np.zeros(blocks.shape[::2], dtype=np.int64)
    result = np.full(best.shape, IGNORE_INDEX, dtype=np.int64)
    for index in np.unique(labels):
        count = (blocks == index).sum(axis=(1, 3))
        result[count == best] = IGNORE_INDEX
        ahead = count > best
        result[ahead] = index
        best = np.maximum(best, count)
    result[best < needed] = IGNORE_INDEX
    return result
