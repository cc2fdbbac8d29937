"""Where a class map is right and where it is wrong."""

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .class_map import colourise
from .palette import RGB

ERROR_COLOURS: dict[str, RGB] = {"right": (215, 215, 215), "wrong": (220, 20, 60)}
"""Light grey and crimson: apart in lightness, and neither is among the first colours of the default palette."""


def error_classes(
    class_map: npt.NDArray[np.integer], ground_truth: npt.NDArray[np.integer], ignore_index: int = 255
) -> npt.NDArray[np.uint8]:
    """Compare a map with the truth.

    Args:
        class_map: Predicted class ids, (H, W).
        ground_truth: True class ids, same shape.
        ignore_index: Id of pixels with no label or no prediction.

    Returns:
        0 where right, 1 where wrong, 255 where label or prediction is missing; (H, W) uint8.

    Raises:
        DataError: The shapes differ.
    """
    if class_map.shape != ground_truth.shape or class_map.ndim != 2:
        raise DataError(f"error_map: ground truth is {ground_truth.shape}, the map {class_map.shape}")
    compared = (class_map != ignore_index) & (ground_truth != ignore_index)
    return np.where(compared, class_map != ground_truth, 255).astype(np.uint8)


def error_map(
    class_map: npt.NDArray[np.integer], ground_truth: npt.NDArray[np.integer], ignore_index: int = 255
) -> npt.NDArray[np.uint8]:
    """Paint :func:`error_classes` in :data:`ERROR_COLOURS`, pixels without label or prediction black; (H, W, 3).

    Args:
        class_map: Predicted classes, shape (H, W).
        ground_truth: True classes, shape (H, W).
        ignore_index: Id of pixels with no label.
    """
    return colourise(error_classes(class_map, ground_truth, ignore_index), list(ERROR_COLOURS.values()))
