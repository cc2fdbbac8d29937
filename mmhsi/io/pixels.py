"""Spectra of pixels here and there in a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.progress import watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.readers import CubeReader

VALUES_AT_A_TIME = 1 << 22


def read_pixels(reader: CubeReader, pixels: NDArray[np.int64], bands: list[int]) -> NDArray[np.float32]:
    """Read some pixels of a scene, a few of its rows in memory at a time.

    Args:
        reader: Open scene of H × W pixels.
        pixels: row · W + column of each, rising, (n,).
        bands: 0-based bands, C of them, in any order.

    Returns:
        Shape (n, C).

    Raises:
        DataError: The scene cannot be read.
    """
    width = reader.info.shape[1]
    rows, columns = np.divmod(pixels, width)
    spectra = np.empty((len(pixels), len(bands)), dtype=np.float32)
    step = max(1, VALUES_AT_A_TIME // (width * max(1, len(bands))))
    starts = np.flatnonzero(np.diff(rows // step, prepend=-1))
    ends = np.flatnonzero(np.diff(rows // step, append=-1)) + 1
    for first, end in watched(list(zip(starts, ends, strict=True)), "reading spectra"):
        top, bottom = int(rows[first]), int(rows[end - 1]) + 1
        block = reader.read((top, 0, bottom - top, width), bands).data
        spectra[first:end] = block[rows[first:end] - top, columns[first:end]]
    return spectra
