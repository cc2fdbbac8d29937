"""A map beside its scene as a small picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmhsi.datasets import LabelTable
from mmhsi.errors import DataError
from mmhsi.io import CubeReader, open_cube, open_label_map, read_labels
from mmhsi.visualization import false_colour, rgb_band_indices, save_map_figure
from mmhsi.visualization.palette import RGB

MOST_PIXELS = 1500
"""Pixels of a picture's longer side beyond which rows and columns are left out."""

ROWS = 256


def every(reader: CubeReader, step: int, read: Callable[[tuple[int, int, int, int]], NDArray]) -> NDArray:
    """Every ``step``-th row and column of a scene, a band of rows in memory at a time.

    Args:
        reader: Open scene.
        step: Step in pixels.
        read: Gives the pixels (rows, W, …) of a window (row, column, height, width).
    """
    height, width, _ = reader.info.shape
    parts = []
    for first in range(0, height, ROWS):
        block = read((first, 0, min(ROWS, height - first), width))
        parts.append(block[-first % step :: step, ::step].copy())
    return np.concatenate(parts)


def save_quicklook(
    path: str | Path,
    scene: str | Path,
    class_map: str | Path,
    meta: dict,
    palette: Sequence[RGB],
    key: str | None = None,
    labels: str | Path | None = None,
    labels_key: str | None = None,
) -> None:
    """Draw false colour, ground truth if given, and map side by side, with a legend.

    Args:
        path: File to write, ``.png``.
        scene: The scene.
        class_map: Its map.
        meta: ``dataset_meta`` of the checkpoint.
        palette: Colours of the classes.
        key: Variable of the scene's ``.mat`` file.
        labels: Label map with the ids of the training data.
        labels_key: Its variable.

    Raises:
        DataError: If a file cannot be read or written, or the label map has an unknown id or another size.
    """
    with open_cube(scene, key=key) as reader:
        info = reader.info
        step = max(1, max(info.shape[:2]) // MOST_PIXELS)
        rgb = rgb_band_indices(info.shape[2], info.wavelengths, bands=meta.get("rgb_bands"), good_bands=info.good_bands)

        def bands_and_mask(window: tuple[int, int, int, int]) -> NDArray:
            cube = reader.read(window, rgb)
            return np.dstack([cube.data.astype(np.float32), cube.valid()])

        picture = every(reader, step, bands_and_mask)
    truth = None
    if labels is not None:
        with open_label_map(labels, key=labels_key) as reader:
            if reader.info.shape[:2] != info.shape[:2]:
                here, there = reader.info.shape, info.shape
                raise DataError(f"{labels}: {here[0]} x {here[1]} pixels, the scene has {there[0]} x {there[1]}")
            table = LabelTable(meta["label_ids"], meta["classes"], meta["ignore_ids"])
            truth = table(every(reader, step, lambda window: read_labels(reader, window)), str(labels))
    with open_cube(class_map) as reader:
        classes = every(reader, step, lambda window: reader.read(window).data[..., 0])
    save_map_figure(
        path,
        false_colour=false_colour(picture[..., :3], bands=(0, 1, 2), valid=picture[..., 3] > 0),
        class_map=classes,
        class_names=meta["classes"],
        palette=palette,
        ground_truth=truth,
        title=Path(scene).name,
    )
