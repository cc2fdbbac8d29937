"""Which pixels have to stand on one side of a split because they were labelled in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from .split import Split


def polygons_of(labels: np.ndarray, polygons: np.ndarray | None) -> tuple[np.ndarray, str]:
    """Numbers of polygons, and what they are.

    Args:
        labels: Class indices, (H, W); :data:`IGNORE_INDEX` where there is no label.
        polygons: Number of the polygon that each pixel lies in, (H, W), 0 in none. None: connected areas of one class,
            neighbours across corners included, take their place.

    Returns:
        (H, W) from 1, 0 where there is no label; and their name.

    Raises:
        DataError: A labelled pixel lies in no polygon.
    """
    labelled = labels != IGNORE_INDEX
    if polygons is not None:
        if (labelled & (polygons == 0)).any():
            raise DataError("split by polygon: a labelled pixel lies in no polygon")
        return np.where(labelled, polygons, 0), "polygons"
    areas = np.zeros(labels.shape, dtype=np.int64)
    for index in np.unique(labels[labelled]):
        found, _ = scipy.ndimage.label(labels == index, np.ones((3, 3)))
        areas += np.where(found > 0, found + areas.max(), 0)
    return areas, "connected areas of a class"


def on_both_sides(split: Split, polygons: np.ndarray) -> np.ndarray:
    """Polygons of which pixels train and pixels test.

    Args:
        split: The split.
        polygons: Number of the polygon that each pixel lies in, (H, W), 0 in none.

    Returns:
        Their numbers, sorted.
    """
    flat = polygons.ravel()
    both = np.intersect1d(flat[split.train], flat[split.test])
    return both[both > 0]
