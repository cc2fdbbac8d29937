"""Labelled pixels of tiles as single spectra, for classifiers that look at nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .label_table import IGNORE_INDEX
from .transforms.loading import LoadCube, LoadLabels
from .transforms.scope import declared_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .tile_dataset import TileDataset

BLOCK = 16
"""Side in pixels of the blocks that a large tile's pixels are grouped by."""
BUDGET = 64 << 20
"""Bytes of float32 values of a large tile that are read at a time."""


class LabelledSpectra(NamedTuple):
    """Labelled pixels that hold data.

    Attributes:
        spectra: Shape (n, C), float32.
        labels: Class of each, (n,).
        groups: Tile and block of 16 × 16 pixels of each, (n,): what folds of a cross-validation must not tear apart.
    """

    spectra: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]


def labelled_spectra(dataset: TileDataset, by_block: bool = False) -> LabelledSpectra:
    """Collect the labelled pixels of all tiles.

    Args:
        dataset: Its pipeline ends with ``img`` (H, W, C), ``valid`` and ``gt_seg_map`` (H, W), unpacked; its tiles do
            not overlap.
        by_block: Whether pixels are grouped by blocks within their tile; by whole tiles otherwise. Default False.
    """
    spectra, labels, groups = [], [], []
    first = 0
    for index in range(len(dataset)):
        height = across = 0
        for top, entry in _parts(dataset, index):
            tile = dataset.pipeline(entry)
            keep = tile["valid"] & (tile["gt_seg_map"] != IGNORE_INDEX)
            rows, columns = np.nonzero(keep)
            height, across = top + keep.shape[0], -(-keep.shape[1] // BLOCK)
            blocks = (top + rows) // BLOCK * across + columns // BLOCK if by_block else np.zeros(len(rows), np.int64)
            spectra.append(tile["img"][keep].astype(np.float32))
            labels.append(tile["gt_seg_map"][keep].astype(np.int64))
            groups.append(first + blocks)
        first += -(-height // BLOCK) * across if by_block else 1
    return LabelledSpectra(np.concatenate(spectra), np.concatenate(labels), np.concatenate(groups))


def _parts(dataset: TileDataset, index: int) -> Iterator[tuple[int, dict]]:
    """A tile's entries for the pipeline, each after its first row: as few of whole blocks as keep within the budget.

    A tile stays in one part where a step of the pipeline needs it whole.
    """
    entry = dataset.get_data_info(index)
    row, column, height, width = entry.get("window") or (0, 0, *entry["tile_shape"])
    rows = max(1, BUDGET // (4 * width * len(entry["bands"])) // BLOCK) * BLOCK
    steps = [step for step in dataset.pipeline.transforms if not isinstance(step, LoadCube | LoadLabels)]
    in_parts = all(declared_scope("labelled_spectra", step).scope == "pixel" for step in steps)
    if rows >= height or entry["fine_labels"] or not in_parts:
        yield 0, entry
        return
    for top in range(0, height, rows):
        yield top, {**entry, "window": (row + top, column, min(rows, height - top), width)}
