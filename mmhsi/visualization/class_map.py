"""Class maps as plain RGB."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .palette import RGB


def colourise(
    class_map: npt.NDArray[np.integer],
    palette: Sequence[RGB],
    ignore_index: int = 255,
    ignored: RGB = (0, 0, 0),
) -> npt.NDArray[np.uint8]:
    """Paint each pixel in its class's colour.

    Args:
        class_map: Class ids 0..K-1 or ``ignore_index``, (H, W).
        palette: K RGB colours, 0-255.
        ignore_index: Id of pixels with no label, or of a map with no data.
        ignored: Their colour. Default: black.

    Returns:
        RGB picture, (H, W, 3) uint8.

    Raises:
        DataError: The map is not (H, W) integers, or holds an id that has no colour.
    """
    class_map = np.asarray(class_map)
    if class_map.ndim != 2 or not np.issubdtype(class_map.dtype, np.integer):
        raise DataError(f"colourise: (H, W) integers were expected, not {class_map.shape} {class_map.dtype}")
    missing = class_map == ignore_index
    unknown = ~missing & ((class_map < 0) | (class_map >= len(palette)))
    if unknown.any():
        raise DataError(
            f"colourise: class id {class_map[unknown][0]} has no colour; "
            f"the palette has {len(palette)} and {ignore_index} is ignored"
        )
    colours = np.array([*palette, ignored], dtype=np.uint8)  # (K + 1, 3)
    return colours[np.where(missing, len(palette), class_map.astype(np.intp))]
