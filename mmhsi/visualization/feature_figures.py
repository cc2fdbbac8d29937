"""Features and attention as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .png import save_figure

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def principal_colours(features: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Show the first three principal components of features as red, green and blue.

    Args:
        features: Shape (n, d); of everything that shall be comparable, several images together.

    Returns:
        Shape (n, 3), each component stretched between its 1st and 99th percentile. With fewer than three components
        the others are mid-grey.

    Raises:
        DataError: If there are fewer than two features, or a value is not finite.
    """
    if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
        raise DataError(f"principal_colours: features of shape {features.shape}, expected at least 2 x d finite values")
    centred = features - features.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    directions = vectors[:, ::-1][:, :3]
    # A component's sign is arbitrary; this makes pictures reproducible.
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])])
    scores = centred @ directions  # (n, 3)
    low, high = np.percentile(scores, (1, 99), axis=0)
    spread = np.where(high > low, high - low, 1)
    colours = np.where(high > low, np.clip((scores - low) / spread, 0, 1), 0.5)
    colours = np.concatenate([colours, np.full((len(colours), 3 - colours.shape[1]), 0.5)], axis=1)
    return np.rint(255 * colours).astype(np.uint8)


def save_attention_figure(
    path: str | os.PathLike[str],
    pictures: Sequence[npt.NDArray[np.uint8]],
    spatial: Sequence[npt.NDArray[np.floating]],
    spectral: Sequence[npt.NDArray[np.floating]] | None = None,
    wavelengths: Sequence[float] | None = None,
) -> None:
    """Draw what CLS attends to, one row an image: false colour, mean over heads and each head; and the spectral stream.

    Args:
        path: PNG.
        pictures: False-colour images, each (H, W, 3).
        spatial: Attention over patches for each image, (heads, h, w).
        spectral: Attention over band groups for each image, (heads, g).
        wavelengths: Centre of every band group in nm, length g; without them groups are numbered.

    Raises:
        DataError: If the lists differ in length.
    """
    from matplotlib.figure import Figure

    if len({len(pictures), len(spatial), len(pictures) if spectral is None else len(spectral)}) > 1 or not pictures:
        raise DataError("save_attention_figure: expected equally many pictures and attention maps, at least one")
    heads = len(spatial[0])
    columns = 2 + heads + (spectral is not None)
    figure = Figure(figsize=(1.6 * columns, 1.7 * len(pictures)), layout="constrained")
    axes = np.asarray(figure.subplots(len(pictures), columns, squeeze=False))
    for row, (picture, maps) in enumerate(zip(pictures, spatial, strict=True)):
        panels = [picture, maps.mean(axis=0), *maps]
        titles = ["false colour", "mean of heads", *(f"head {head}" for head in range(heads))]
        for axis, panel, title in zip(axes[row], panels, titles, strict=False):
            axis.imshow(panel, cmap=None if panel.ndim == 3 else "viridis", interpolation="nearest")
            axis.set_axis_off()
            if row == 0:
                axis.set_title(title, fontsize=8)
        if spectral is None:
            continue
        axis, groups = axes[row, -1], range(spectral[row].shape[1])
        position = list(groups) if wavelengths is None else list(wavelengths)
        axis.plot(position, spectral[row].T, color="0.75", linewidth=0.7)
        axis.plot(position, spectral[row].mean(axis=0), color="tab:red", linewidth=1.4)
        axis.tick_params(labelsize=6)
        if row == 0:
            axis.set_title("spectral stream", fontsize=8)
        if row == len(pictures) - 1:
            axis.set_xlabel("band group" if wavelengths is None else "wavelength (nm)", fontsize=7)
    save_figure(path, figure)
