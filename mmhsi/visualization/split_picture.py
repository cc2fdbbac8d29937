"""Where a split's training and test pixels lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .class_map import colourise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmhsi.datasets.splits import Split

    from .palette import RGB


def split_picture(labels: npt.NDArray[np.integer], split: Split, palette: Sequence[RGB]) -> npt.NDArray[np.uint8]:
    """Paint training pixels in full colour, test pixels in a tint, everything else dark.

    With c the colour of a pixel's class, each channel is

    - c for a training pixel,
    - (c + 255) // 2, halfway to white, for a test pixel,
    - c // 4 for a labelled pixel in neither set, such as those of a guard band,
    - 0 for a pixel without a label.

    Args:
        labels: Class indices 0..K-1, 255 where there is no label, (H, W).
        split: Flat row-major indices of the training and test pixels.
        palette: K RGB colours, 0-255.

    Returns:
        RGB picture, (H, W, 3) uint8.

    Raises:
        DataError: The labels are not (H, W) integers or hold a class that has no colour, or an index of the split lies
            outside the scene.
    """
    full = colourise(labels, palette).reshape(-1, 3)  # (H · W, 3)
    for pixels in (split.train, split.test):
        if pixels.size and not 0 <= pixels.min() <= pixels.max() < len(full):
            raise DataError(
                f"split_picture: the split ({split.protocol}) names pixels {pixels.min()} to {pixels.max()}, the "
                f"scene has {labels.shape[0]} x {labels.shape[1]}"
            )
    picture = full // 4
    picture[split.train] = full[split.train]
    picture[split.test] = (full[split.test].astype(np.uint16) + 255) // 2
    return picture.reshape(*labels.shape, 3)
