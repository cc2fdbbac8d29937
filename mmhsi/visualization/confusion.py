"""A confusion matrix as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .png import save_figure
from .style import CAPTION, INK, SMALL, new_figure

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def save_confusion_figure(
    path: str | os.PathLike[str], counts: npt.NDArray[np.integer], classes: Sequence[str]
) -> None:
    """Draw the share of every true class that was predicted as each class, in per cent; absent classes stay empty.

    The margins say how many pixels each class has, and its user's accuracy: the share of what was predicted as it that
    is right. Producer's accuracy stands on the diagonal.

    Args:
        path: PNG.
        counts: Pixels by true class (rows) and predicted class (columns), shape (K, K).
        classes: K names.

    Raises:
        DataError: If the matrix is not K x K.
    """
    number = len(classes)
    if counts.shape != (number, number) or number == 0:
        raise DataError(f"save_confusion_figure: matrix of shape {counts.shape} for {number} classes")
    total = counts.sum(axis=1, keepdims=True)
    share = np.where(total > 0, 100 * counts / np.maximum(total, 1), np.nan)
    right, every = int(np.trace(counts)), int(counts.sum())
    title = f"{100 * right / every:.1f} % of {every:,} pixels are right" if every else "no pixels"
    figure = new_figure(3.4 + 0.42 * number, 2.6 + 0.42 * number, title)
    axis = figure.subplots()
    shown = axis.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(share >= 0.5):
        value = share[row, column]
        colour = "white" if value > 60 else INK
        axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=SMALL, color=colour)
    predicted = counts.sum(axis=0)
    for index in range(number):
        users = f"{100 * counts[index, index] / predicted[index]:.0f}" if predicted[index] else "-"
        axis.text(index, number - 0.2, users, ha="center", va="center", fontsize=SMALL, color=INK, style="italic")
        axis.text(number - 0.2, index, f"{total[index, 0]:,}", va="center", fontsize=SMALL, color=INK, style="italic")
    axis.text(number - 0.2, number - 0.2, "user's\naccuracy", va="center", fontsize=7, color=INK, style="italic")
    axis.text(number - 0.2, -0.75, "pixels", va="center", fontsize=7, color=INK, style="italic")
    names = [name if pixels else f"{name} (absent)" for name, pixels in zip(classes, total[:, 0], strict=True)]
    axis.set_xticks(range(number), classes, rotation=90, fontsize=SMALL)
    axis.set_yticks(range(number), names, fontsize=SMALL)
    axis.set_xticks(np.arange(number + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(number + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1)
    axis.tick_params(which="both", length=0, colors=INK)
    axis.tick_params(axis="x", pad=24)
    axis.set_xlabel("predicted class", fontsize=CAPTION, color=INK)
    axis.set_ylabel("true class", fontsize=CAPTION, color=INK)
    for spine in axis.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(shown, ax=axis, shrink=0.6, pad=0.02, fraction=0.05)
    bar.set_label("per cent of the true class", fontsize=SMALL, color=INK)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)
    save_figure(path, figure)
