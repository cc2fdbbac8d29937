"""Spectra of a scene's pixels, small enough to lie in a page that shows the one that is clicked."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmhsi.progress import watched

from .spectra import gapless_pieces

if TYPE_CHECKING:
    import numpy.typing as npt

    from mmhsi.io import CubeReader

MOST_VALUES = 1_500_000
MOST_BANDS = 240


class PixelSpectra(NamedTuple):
    """What the page reads, as texts of attributes.

    Attributes:
        values: Base64 of uint8, (h, w, C) row by row: a band's lowest value is 0, its highest 255.
        facts: JSON: ``shape`` (h, w, C), ``step`` (every how many-th row and column), ``low`` and ``high`` by band,
            ``centres``, ``pieces``, ``unit``, and ``names`` of the classes.
        classes: Base64 of uint8, (h, w): classes of the map, 255 where there is none.
    """

    values: str
    facts: str
    classes: str


def pixel_spectra(reader: CubeReader, classes: npt.NDArray[np.integer], names: list[str]) -> PixelSpectra:
    """Read pixels evenly spread over a scene, and store their spectra in a byte a value.

    Args:
        reader: Open scene of H × W pixels.
        classes: Its map, (H, W).
        names: Of the classes.
    """
    info = reader.info
    height, width, count = info.shape
    bands = np.flatnonzero(info.good_bands) if info.good_bands.any() else np.arange(count)
    bands = bands[:: -(-len(bands) // MOST_BANDS)]
    centres, unit = bands.astype(np.float64), "band"
    if info.wavelengths is not None and np.isfinite(info.wavelengths[bands]).all():
        centres, unit = info.wavelengths[bands], "nm"
    step = max(1, int(np.ceil(np.sqrt(height * width * len(bands) / MOST_VALUES))))
    lines = watched(range(0, height, step), "reading spectra")
    rows = [reader.read((row, 0, 1, width), bands.tolist()).data[0, ::step] for row in lines]
    data = np.nan_to_num(np.stack(rows).astype(np.float64))
    if info.nodata is not None:
        data[data == info.nodata] = 0
    low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
    stored = np.rint(255 * (data - low) / np.where(high > low, high - low, 1)).astype(np.uint8)
    facts = dict(
        shape=stored.shape,
        step=step,
        low=[float(f"{value:.6g}") for value in low],
        high=[float(f"{value:.6g}") for value in high],
        centres=[float(f"{value:.6g}") for value in centres],
        pieces=gapless_pieces(bands, centres).tolist(),
        unit=unit,
        names=names,
    )
    thin = np.ascontiguousarray(classes[::step, ::step].astype(np.uint8))
    return PixelSpectra(_text(stored), json.dumps(facts), _text(thin))


def _text(array: npt.NDArray[np.uint8]) -> str:
    return base64.b64encode(array.tobytes()).decode()
