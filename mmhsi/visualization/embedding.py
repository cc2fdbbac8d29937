"""Features in the plane: how far the classes lie apart, before and after training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError

from .png import save_figure
from .style import INK, SMALL, new_figure, picture_axes

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from .palette import RGB

PERPLEXITY = 30.0


def embed(features: npt.NDArray[np.floating], seed: int = 0) -> npt.NDArray[np.float64]:
    """Lay features out in the plane by t-SNE, so that neighbours stay neighbours; distances of groups mean nothing.

    Args:
        features: (n, d), at least 8; standardised here, and reduced to 50 principal components.
        seed: Of the layout. Default 0.

    Returns:
        (n, 2).

    Raises:
        DataError: If there are too few.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    if len(features) < 8:
        raise DataError(f"embed: {len(features)} features given, expected at least 8")
    scaled = StandardScaler().fit_transform(features)
    if min(scaled.shape) > 50:
        scaled = PCA(50, random_state=seed).fit_transform(scaled)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(scaled)


def save_embedding_figure(
    path: str | os.PathLike[str],
    features: Mapping[str, npt.NDArray[np.floating]],
    labels: npt.NDArray[np.integer],
    class_names: Sequence[str],
    palette: Sequence[RGB],
    seed: int = 0,
) -> dict[str, float]:
    """Draw the same pixels' features of several networks side by side, a colour a class.

    Below each stands how many of the 10 nearest neighbours are of a pixel's own class, in the features themselves: what
    the picture shows, as a number that does not depend on the layout.

    Args:
        path: PNG.
        features: (n, d) by caption, such as before and after training.
        labels: Classes 0..K-1 of the pixels, (n,).
        class_names: K names.
        palette: K RGB colours, 0-255.
        seed: Of the layout. Default 0.

    Returns:
        That share by caption, 0 to 1.
    """
    from sklearn.neighbors import NearestNeighbors

    figure = new_figure(4.3 * len(features) + 2, 4.8)
    shares = {}
    colours = np.array(palette) / 255
    handles = []
    panels = figure.subplots(1, len(features), squeeze=False)[0]
    for axis, (caption, values) in zip(panels, features.items(), strict=True):
        places = embed(values, seed)
        near = min(10, len(values) - 1)
        found = NearestNeighbors(n_neighbors=near + 1).fit(values).kneighbors(values, return_distance=False)[:, 1:]
        shares[caption] = float((labels[found] == labels[:, None]).mean())
        handles = [
            axis.scatter(*places[labels == index].T, s=9, lw=0, alpha=0.8, color=colours[index], label=name)
            for index, name in enumerate(class_names)
            if (labels == index).any()
        ]
        picture_axes(axis, caption)
        said = f"{100 * shares[caption]:.0f} % of {near} neighbours are of the same class"
        axis.set_xlabel(said, fontsize=SMALL, color=INK)
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=SMALL, markerscale=2)
    save_figure(path, figure)
    return shares
