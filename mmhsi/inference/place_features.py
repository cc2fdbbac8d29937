"""Features of drawn points, lines and polygons: means over their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.feature_pixels import pixels_of
from mmhsi.io.feature_tables import FeatureTable
from mmhsi.io.placement import Grid
from mmhsi.io.wkb import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmhsi.io.vectors import Vector

    from .feature_basis import FeatureBasis
    from .scene_features import PixelFeatures
    from .scene_rows import SceneRows


def features_at(
    features: PixelFeatures,
    rows: SceneRows,
    vector: Vector,
    basis: FeatureBasis | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> FeatureTable:
    """Mean features of the pixels of every drawn feature, NaN where none holds data.

    Args:
        features: Of the model.
        rows: The scene, open.
        vector: Points, lines or polygons.
        basis: What the features are projected on. Default None: they stay as they are.
        progress: Called with the rows done and the rows in all.

    Returns:
        One row a feature of the file that has a geometry, in its order.

    Raises:
        DataError: None lies on the scene.
    """
    (height, width), count = rows.shape, len(vector.values)
    pixels, owners = pixels_of(vector, Grid.of(rows.reader.info))
    if not len(pixels):
        raise DataError(f"{vector.path}: none of its features holds a pixel of {rows.reader.path}")
    sums, numbers = np.zeros((count, features.count(rows))), np.zeros(count, dtype=np.int64)
    for first, values in features.blocks(rows):
        table = values.reshape(-1, values.shape[2])
        begin, end = np.searchsorted(pixels, [first * width, first * width + len(table)])
        part, whose = table[pixels[begin:end] - first * width], owners[begin:end]
        valid = ~np.isnan(part).any(axis=1)
        np.add.at(sums, whose[valid], part[valid])
        np.add.at(numbers, whose[valid], 1)
        if progress is not None:
            progress(first + len(values), height)
        if end == len(pixels):
            break  # below lie none
    with np.errstate(invalid="ignore"):
        means = (sums / numbers[:, None]).astype(np.float32)
    parts: list[list] = [[] for _ in range(count)]
    for shape, owner in zip(vector.shapes, vector.owners, strict=True):
        parts[owner].append(shape)
    kept = [index for index, found in enumerate(parts) if found]
    return FeatureTable(
        (means if basis is None else basis(means))[kept],
        np.array(vector.values)[kept],
        numbers[kept],
        [encode(parts[index]) for index in kept],
        vector.crs,
    )
