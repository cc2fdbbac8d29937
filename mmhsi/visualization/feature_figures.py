"""Features and attention as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .png import save_figure
from .style import INK, SMALL, chart_axes, new_figure, picture_axes

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


class PrincipalColours:
    """The first three principal components of features as red, green and blue.

    Args:
        features: Shape (n, d), those that the components are fitted to.

    Raises:
        DataError: If there are fewer than two features, or a value is not finite.
    """

    def __init__(self, features: npt.NDArray[np.floating]) -> None:
        if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
            raise DataError(
                f"PrincipalColours: features of shape {features.shape}, expected at least 2 x d finite values"
            )
        self.mean = features.mean(axis=0)
        centred = features - self.mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        directions = vectors[:, ::-1][:, :3]
        # A component's sign is arbitrary; this makes pictures reproducible.
        self.directions = directions * np.sign(
            directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])]
        )

    def scores(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Features along the components, (n, 3), or (n, d) where d is less.

        Args:
            features: Shape (n, d).
        """
        return (features - self.mean) @ self.directions

    @staticmethod
    def shown(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
        """Colours, (n, 3), each component stretched between its 1st and 99th percentile.

        Args:
            scores: Of everything that shall be comparable; with fewer than three components the others are mid-grey.

        Raises:
            DataError: A value is not finite.
        """
        if not np.isfinite(scores).all():
            raise DataError("PrincipalColours: a feature is not finite")
        low, high = np.percentile(scores, (1, 99), axis=0)
        spread = np.where(high > low, high - low, 1)
        colours = np.where(high > low, np.clip((scores - low) / spread, 0, 1), 0.5)
        colours = np.concatenate([colours, np.full((len(colours), 3 - colours.shape[1]), 0.5)], axis=1)
        return np.rint(255 * colours).astype(np.uint8)


def principal_colours(features: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Show features as :class:`PrincipalColours` fitted to them.

    Args:
        features: Shape (n, d); of everything that shall be comparable, several images together.

    Returns:
        Shape (n, 3).

    Raises:
        DataError: If there are fewer than two features, or a value is not finite.
    """
    components = PrincipalColours(features)
    return components.shown(components.scores(features))


def save_feature_figure(
    path: str | os.PathLike[str],
    pairs: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]],
    title: str = "",
) -> None:
    """Draw false colour, and features as colours below it, a column an image.

    Args:
        path: PNG.
        pairs: False colour (H, W, 3) and the colours of its features (h, w, 3), of each image.
        title: Above them.

    Raises:
        DataError: If there are none.
    """
    if not pairs:
        raise DataError("save_feature_figure: no images given")
    side = 4.2 if len(pairs) == 1 else 1.9
    height = side * pairs[0][0].shape[0] / pairs[0][0].shape[1]
    alone = len(pairs) == 1
    figure = new_figure(side * (2 if alone else len(pairs)) + 0.2, height * (1 if alone else 2) + 1.0, title)
    axes = np.asarray(figure.subplots(*((1, 2) if alone else (2, len(pairs))), squeeze=False)).reshape(2, -1)
    for column, pair in enumerate(pairs):
        captions = ("false colour", "features") if column == 0 else ("", "")
        for axis, picture, caption in zip(axes[:, column], pair, captions, strict=True):
            axis.imshow(picture, interpolation="nearest")
            picture_axes(axis, caption)
    text = "features: their first three principal components as red, green and blue; like colours, like features"
    figure.supxlabel(text, fontsize=SMALL, color=INK)
    save_figure(path, figure)


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
    if len({len(pictures), len(spatial), len(pictures) if spectral is None else len(spectral)}) > 1 or not pictures:
        raise DataError("save_attention_figure: expected equally many pictures and attention maps, at least one")
    heads = len(spatial[0])
    columns = 2 + heads + (spectral is not None)
    figure = new_figure(1.7 * columns + 0.8, 1.75 * len(pictures) + 0.7, "What the CLS token attends to, last layer")
    axes = np.asarray(figure.subplots(len(pictures), columns, squeeze=False))
    top = max(float(part.max()) for part in spatial)
    shown = None
    for row, (picture, maps) in enumerate(zip(pictures, spatial, strict=True)):
        panels = [picture, maps.mean(axis=0), *maps]
        titles = ["false colour", "mean of heads", *(f"head {head}" for head in range(heads))]
        for axis, panel, title in zip(axes[row], panels, titles, strict=False):
            drawn = axis.imshow(panel, cmap="viridis", vmin=0, vmax=top, interpolation="nearest")
            shown = drawn if panel.ndim == 2 else shown
            picture_axes(axis, title if row == 0 else "")
        if spectral is None:
            continue
        axis, groups = axes[row, -1], range(spectral[row].shape[1])
        position = list(groups) if wavelengths is None else list(wavelengths)
        lines = axis.plot(position, spectral[row].T, color="0.75", linewidth=0.7)
        (mean,) = axis.plot(position, spectral[row].mean(axis=0), color="#d55e00", linewidth=1.6)
        last = row == len(pictures) - 1
        along = "band group" if wavelengths is None else "wavelength in nm"
        chart_axes(axis, along if last else "", "", "spectral stream" if row == 0 else "")
        axis.tick_params(labelsize=6.5)
        if row == 0:
            axis.legend([mean, lines[0]], ["mean", "a head"], fontsize=6.5, frameon=False)
    if shown is not None:
        shared = axes[:, : 2 + heads].ravel().tolist()
        bar = figure.colorbar(shown, ax=shared, location="bottom", shrink=0.4, aspect=40, pad=0.03)
        bar.set_label("attention of the CLS token to a patch", fontsize=SMALL, color=INK)
        bar.ax.tick_params(labelsize=SMALL)
        bar.outline.set_visible(False)
    save_figure(path, figure)
