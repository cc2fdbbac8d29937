"""A confusion matrix as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .png import save_figure

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def save_confusion_figure(
    path: str | os.PathLike[str], counts: npt.NDArray[np.integer], classes: Sequence[str]
) -> None:
    """Draw the share of every true class that was predicted as each class, in per cent; absent classes stay empty.

    Args:
        path: PNG.
        counts: Pixels by true class (rows) and predicted class (columns), shape (K, K).
        classes: K names.

    Raises:
        DataError: If the matrix is not K x K.
    """
    from matplotlib.figure import Figure

    number = len(classes)
    if counts.shape != (number, number) or number == 0:
        raise DataError(f"save_confusion_figure: matrix of shape {counts.shape} for {number} classes")
    total = counts.sum(axis=1, keepdims=True)
    share = np.where(total > 0, 100 * counts / np.maximum(total, 1), np.nan)
    side = 2.5 + 0.45 * number
    figure = Figure(figsize=(side, side), layout="constrained")
    axis = figure.subplots()
    axis.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(share >= 0.5):
        value = share[row, column]
        axis.text(
            column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color="white" if value > 60 else "black"
        )
    names = [name if pixels else f"{name} (absent)" for name, pixels in zip(classes, total[:, 0], strict=True)]
    axis.set_xticks(range(number), classes, rotation=90, fontsize=8)
    axis.set_yticks(range(number), names, fontsize=8)
    axis.set(xlabel="predicted", ylabel="true")
    save_figure(path, figure)
