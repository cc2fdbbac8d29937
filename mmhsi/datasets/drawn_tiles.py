"""Drawn labels of tiles: drawn once on a file's grid, and cut for its windows."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .drawn_labels import draw_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmhsi.io.placement import Grid

    from .catalogue import SceneInfo
    from .drawn_labels import DrawnLabels

LabelFields = tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...], str, "str | None", bool]
"""What :func:`draw_labels` is told: classes, ids, ignored ids, field, layer, whether touched pixels count."""


def label_fields(info: SceneInfo) -> LabelFields:
    """How a scene's vector file is read, in one hashable piece.

    Args:
        info: What is known of the scene.
    """
    ids = (tuple(info.classes), tuple(info.label_ids), tuple(info.ignore_ids))
    return (*ids, info.label_field, info.label_layer, info.label_touched)


def draw_tile(path: str | Path, grid: Grid, fields: LabelFields) -> DrawnLabels:
    """Labels of a file.

    Args:
        path: The vector file.
        grid: Pixels of the image.
        fields: From :func:`label_fields`.

    Raises:
        ConfigError: Names and ids do not fit each other.
        DataError: The file cannot be read, a value is no class, or nothing lies on the grid.
    """
    return draw_labels(path, grid, *fields)


@functools.lru_cache(maxsize=4)
def _kept(path: str, grid: Grid, fields: LabelFields, _state: tuple[int, int]) -> np.ndarray:
    return draw_tile(path, grid, fields).labels.astype(np.uint8)  # at most 255 classes and the index of none


def drawn_classes(entry: Mapping, grid: Grid) -> np.ndarray:
    """Class indices of a data set's entry, or of its window; of a few files a process keeps what it has drawn.

    Args:
        entry: With ``seg_map_path`` and ``label_fields``; ``window`` (row0, col0, height, width) for a part.
        grid: Pixels of its image.

    Returns:
        Shape (H, W), int64, 255 where there is no label.
    """
    status = Path(entry["seg_map_path"]).stat()
    state = (status.st_mtime_ns, status.st_size)
    row, column, height, width = entry.get("window") or (0, 0, *grid.shape)
    labels = _kept(entry["seg_map_path"], grid, entry["label_fields"], state)
    return labels[row : row + height, column : column + width].astype(np.int64)
