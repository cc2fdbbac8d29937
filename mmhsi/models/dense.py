"""Scores of all pixels of a scene's rows at once, equal to those of a window around each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .preprocessors import dihedral, symmetries, undo_dihedral

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocols import DenseBackbone

CHUNK = 1 << 14
"""Pixels whose features are classified at a time."""


def box_means(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Means over all boxes that lie within maps.

    Args:
        maps: Shape (B, d, H, W).
        size: (h, w) of a box in pixels.

    Returns:
        Shape (B, d, H − h + 1, W − w + 1).
    """
    for axis, side in zip((2, 3), size, strict=True):
        count = maps.shape[axis] - side + 1
        total = maps.narrow(axis, 0, count)
        for step in range(1, side):  # torch's avg_pool2d takes several times as long
            after = maps.narrow(axis, step, count)
            total = total + after if step == 1 else total.add_(after)
        maps = total
    return maps / (size[0] * size[1])


def centre_and_mean(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """What :class:`mmhsi.models.CenterContext` makes of every box: its middle beside its mean.

    Args:
        maps: Shape (B, d, H, W).
        size: (h, w) of a box in pixels.

    Returns:
        Shape (B, 2 · d, H − h + 1, W − w + 1).
    """
    (h, w), (height, width) = size, maps.shape[2:]
    middle = maps[:, :, (h - 1) // 2 : height - (h - 1) // 2, (w - 1) // 2 : width - (w - 1) // 2]
    centre = box_means(middle, (2 - h % 2, 2 - w % 2))  # of an even side the mean of the 2 middle ones
    return torch.cat([centre, box_means(maps, size)], dim=1)


POOLS: dict[str, Callable[[Tensor, tuple[int, int]], Tensor]] = {
    "CenterContext": centre_and_mean,
    "GlobalAveragePooling": box_means,
}
"""Necks, by their classes' names, that sum a window up, and the same for all windows of a scene."""


def dense_scores(
    backbone: DenseBackbone,
    neck: nn.Module,
    classify: Callable[[Tensor], Tensor],
    x: Tensor,
    window: tuple[int, int],
    all_symmetries: bool,
) -> Tensor:
    """Scores of every pixel that has a whole window within an image.

    Args:
        backbone: The backbone.
        neck: One of :data:`POOLS`.
        classify: From features (n, F) to float32 scores (n, K), such as their softmax.
        x: Image, shape (1, C, H, W).
        window: (h, w) in pixels.
        all_symmetries: Whether those of the window's symmetries are averaged.

    Returns:
        float32 tensor (K, H − h + 1, W − w + 1).
    """
    pool, pixels = POOLS[type(neck).__name__], backbone.embed_pixels(x)
    elements = symmetries(*window) if all_symmetries else (0,)
    size = (window[0] - 2 * backbone.reach, window[1] - 2 * backbone.reach)
    parts: list[Tensor] = []
    for element in elements:  # turned windows lie side by side in the turned image
        features = pool(backbone.forward_pixels(dihedral(pixels, element).contiguous()), size)
        rows, columns = features.shape[2:]
        table = features[0].flatten(1).T  # (d, h, w) -> (h · w, d)
        scores = torch.cat([classify(part) for part in table.split(CHUNK)])
        parts.append(undo_dihedral(scores.T.unflatten(1, (rows, columns))[None], element))
    return torch.cat(parts).mean(dim=0)
