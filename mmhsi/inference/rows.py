"""Rows of a scene, read with the margin that windows around their pixels need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmhsi.datasets.pixelwise import transform_cube
from mmhsi.io import CubeReader


def rows_at_a_time(width: int, bands: int, itemsize: int, budget: int = 64 << 20) -> int:
    """How many rows of a scene fit into ``budget`` bytes, at least one."""
    return max(1, budget // (width * bands * itemsize))


def read_rows(
    reader: CubeReader,
    bands: list[int],
    row0: int,
    height: int,
    window: tuple[int, int],
    transforms: Sequence[dict] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Read rows with margins, mirrored where the scene ends.

    Args:
        reader: Open scene of H × W pixels.
        bands: 0-based bands to read.
        row0: First row.
        height: Rows.
        window: (h, w) of the windows to be cut around each pixel.
        transforms: Pixel-wise transforms of the training (:func:`mmhsi.datasets.pixelwise.transform_cube`).

    Returns:
        Cube (height + h − 1, W + w − 1, C) and its validity mask, (height + h − 1, W + w − 1).
    """
    scene_height, scene_width, _ = reader.info.shape
    before, after = window[0] // 2, (window[0] - 1) // 2
    top, bottom = max(0, row0 - before), min(scene_height, row0 + height + after)
    cube = reader.read(window=(top, 0, bottom - top, scene_width), bands=bands)
    valid = cube.valid()
    cube = transform_cube(cube, transforms)
    rows = (top - (row0 - before), row0 + height + after - bottom)
    columns = (window[1] // 2, (window[1] - 1) // 2)
    return (
        np.pad(cube.data, (rows, columns, (0, 0)), mode="reflect"),
        np.pad(valid, (rows, columns), mode="reflect"),
    )
