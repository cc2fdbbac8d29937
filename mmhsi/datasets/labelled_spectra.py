"""Labelled pixels of tiles as single spectra, for classifiers that look at nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .label_table import IGNORE_INDEX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .tile_dataset import TileDataset

BLOCK = 16
"""Side in pixels of the blocks that a large tile's pixels are grouped by."""


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
        tile = dataset[index]
        keep = tile["valid"] & (tile["gt_seg_map"] != IGNORE_INDEX)
        rows, columns = np.nonzero(keep)
        across = -(-keep.shape[1] // BLOCK)
        blocks = rows // BLOCK * across + columns // BLOCK if by_block else np.zeros(len(rows), np.int64)
        spectra.append(tile["img"][keep].astype(np.float32))
        labels.append(tile["gt_seg_map"][keep].astype(np.int64))
        groups.append(first + blocks)
        first += -(-keep.shape[0] // BLOCK) * across if by_block else 1
    return LabelledSpectra(np.concatenate(spectra), np.concatenate(labels), np.concatenate(groups))
