"""Where a split's training and test pixels lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .class_map import colourise
from .png import save_figure
from .style import INK, SMALL, new_figure, picture_axes

if TYPE_CHECKING:
    import os
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


def save_split_figure(
    path: str | os.PathLike[str],
    labels: npt.NDArray[np.integer],
    split: Split,
    class_names: Sequence[str],
    palette: Sequence[RGB],
    title: str = "",
) -> None:
    """Draw :func:`split_picture` at a readable size, with the counts of every class.

    Args:
        path: PNG.
        labels: As in :func:`split_picture`.
        split: Likewise.
        class_names: K names.
        palette: K RGB colours, 0-255.
        title: Above it; below stands how the pixels were chosen.

    Raises:
        DataError: As :func:`split_picture`.
    """
    from matplotlib.patches import Patch

    picture = split_picture(labels, split, palette)
    height, width = labels.shape
    scale = 6 / max(height, width)
    beside = 1.2 + 0.075 * max([len(name) for name in class_names] + [14])  # inches, for the names and counts
    figure = new_figure(max(width * scale, 2) + beside, max(height * scale, 2) + 0.9, title)
    axis = figure.subplots()
    axis.imshow(picture, interpolation="nearest")
    picture_axes(axis)
    axis.set_xlabel(
        f"{split.protocol}\nfull colour: training, pale: test, dark: neither, black: no label", fontsize=SMALL
    )
    axis.xaxis.label.set(color=INK, wrap=True)
    counts = [
        np.bincount(values[values < len(class_names)], minlength=len(class_names))
        for values in (labels.ravel()[split.train], labels.ravel()[split.test])
    ]
    handles = [
        Patch(
            facecolor=(red / 255, green / 255, blue / 255),
            edgecolor="#888888",
            lw=0.4,
            label=f"{name}: {train:,} / {test:,}",
        )
        for name, (red, green, blue), train, test in zip(class_names, palette, *counts, strict=True)
    ]
    total = f"all: {split.train.size:,} / {split.test.size:,}"
    handles.append(Patch(facecolor="none", edgecolor="none", label=total))
    figure.legend(
        handles=handles,
        loc="outside right upper",
        frameon=False,
        fontsize=SMALL,
        title="class: training / test pixels",
        title_fontsize=SMALL,
        labelcolor=INK,
    )
    save_figure(path, figure)
