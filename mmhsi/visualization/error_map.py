"""Where a class map is right and where it is wrong."""

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .palette import OKABE_ITO, RGB

ERROR_COLOURS: dict[str, RGB] = {"right": OKABE_ITO[2], "wrong": OKABE_ITO[5]}
"""Bluish green and vermilion, which colour-blind eyes tell apart."""


def error_map(
    class_map: npt.NDArray[np.integer], ground_truth: npt.NDArray[np.integer], ignore_index: int = 255
) -> npt.NDArray[np.uint8]:
    """Paint right and wrong pixels in :data:`ERROR_COLOURS`, pixels without a label or a prediction black.

    Args:
        class_map: Predicted class ids, (H, W).
        ground_truth: True class ids, same shape.
        ignore_index: Id of pixels with no label or no prediction.

    Returns:
        RGB picture, (H, W, 3) uint8.

    Raises:
        DataError: The shapes differ.
    """
    if class_map.shape != ground_truth.shape or class_map.ndim != 2:
        raise DataError(f"error_map: ground truth is {ground_truth.shape}, the map {class_map.shape}")
    compared = (class_map != ignore_index) & (ground_truth != ignore_index)
    colours = np.array([(0, 0, 0), *ERROR_COLOURS.values()], dtype=np.uint8)
    return colours[compared * (1 + (class_map != ground_truth))]
