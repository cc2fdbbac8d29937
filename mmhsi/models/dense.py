"""Scores of all pixels of a scene's rows at once, equal to those of a window around each pixel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .preprocessors import dihedral, symmetries, undo_dihedral
from .protocols import DenseBackbone, ScaledBackbone, finer_source, overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHUNK = 1 << 14
"""Pixels whose features are classified at a time."""


class DensePart(NamedTuple):
    """A network that computes maps of whole rows, and what of every window it is given.

    Attributes:
        network: The network.
        side: (h, w) of what it is given, in pixels that are ``scale`` apart and means of as many.
        scale: Odd.
        window: (h, w) of the windows, in pixels of the image.
        cut: From images to what lies within the windows' parts; None if these are the windows.
    """

    network: DenseBackbone
    side: tuple[int, int]
    scale: int
    window: tuple[int, int]
    cut: Callable[[Tensor], Tensor] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the map that the network makes of a window."""
        return self.side[0] - 2 * self.network.reach, self.side[1] - 2 * self.network.reach

    def embed(self, x: Tensor) -> Tensor:
        """What :meth:`maps` takes of an image; symmetries of a window share it.

        Args:
            x: Shape (1, C, H, W).
        """
        inner = x if self.cut is None else self.cut(x)
        return self.network.embed_pixels(box_means(inner, (self.scale, self.scale)))

    def maps(self, pixels: Tensor) -> Tensor:
        """Maps of all windows, those of one window ``scale`` pixels apart.

        Args:
            pixels: From :meth:`embed`, shape (1, d, h, w).

        Returns:
            Shape (1, d, h − 2 · scale · reach, w − 2 · scale · reach).
        """
        if self.scale == 1:
            return self.network.forward_pixels(pixels)
        step, (height, width) = self.scale, pixels.shape[2:]
        whole = F.pad(pixels, (0, -width % step, 0, -height % step))
        grids = whole[0].unflatten(2, (-1, step)).unflatten(1, (-1, step))  # (d, h, s, w, s)
        maps = self.network.forward_pixels(grids.permute(2, 4, 0, 1, 3).flatten(0, 1).contiguous())  # (s², d, h', w')
        woven = maps.unflatten(0, (step, step)).permute(2, 3, 0, 4, 1).flatten(3, 4).flatten(1, 2)[None]
        lost = 2 * step * self.network.reach
        return woven[:, :, : height - lost, : width - lost]


def dense_parts(backbone: nn.Module, window: tuple[int, int]) -> list[DensePart]:
    """The networks of a backbone that together compute the maps of all windows of a scene at once; none if one cannot.

    Args:
        backbone: The backbone.
        window: (h, w) in pixels.

    Raises:
        ConfigError: If a backbone of several scales does not take such windows.
    """
    side, networks = window, [(1, backbone)]
    if isinstance(backbone, ScaledBackbone):
        if overrides(type(backbone), "forward", "networks_of_scales"):
            return []
        side, networks = backbone.side(window), backbone.networks_of_scales()
    parts = []
    for scale, network in networks:
        if not isinstance(network, DenseBackbone) or overrides(type(network), "forward", "forward_pixels"):
            return []
        if not network.is_unpadded or min(side) <= 2 * network.reach:
            return []
        cut = partial(backbone.cut, scale=scale, window=window) if isinstance(backbone, ScaledBackbone) else None
        parts.append(DensePart(network, side, scale, window, cut))
    return parts


def box_means(maps: Tensor, size: tuple[int, int], step: int = 1) -> Tensor:
    """Means over all boxes that lie within maps.

    Args:
        maps: Shape (B, d, H, W).
        size: (h, w) of a box in pixels.
        step: Distance of a box's pixels. Default 1.

    Returns:
        Shape (B, d, H − (h − 1) · step, W − (w − 1) · step).
    """
    if size == (1, 1):
        return maps
    for axis, side in zip((2, 3), size, strict=True):
        count = maps.shape[axis] - (side - 1) * step
        total = maps.narrow(axis, 0, count)
        for number in range(1, side):  # torch's avg_pool2d takes several times as long
            after = maps.narrow(axis, number * step, count)
            total = total + after if number == 1 else total.add_(after)
        maps = total
    return maps / (size[0] * size[1])


def middles(maps: Tensor, size: tuple[int, int], step: int = 1) -> Tensor:
    """The middle of all boxes that lie within maps, of an even side the mean of the 2 middle ones.

    The arguments and what is returned are those of :func:`box_means`.
    """
    (h, w), (height, width) = size, maps.shape[2:]
    down, across = (h - 1) // 2 * step, (w - 1) // 2 * step
    return box_means(maps[:, :, down : height - down, across : width - across], (2 - h % 2, 2 - w % 2), step)


POOLS: dict[str, tuple[Callable[[Tensor, tuple[int, int], int], Tensor], ...]] = {
    "CenterContext": (middles, box_means),
    "GlobalAveragePooling": (box_means,),
}
"""What necks, by their classes' names, make of every window of a scene alike, one part behind the other."""


def dense_scores(
    parts: Sequence[DensePart],
    neck: nn.Module,
    classify: Callable[[Tensor], Tensor],
    x: Tensor,
    all_symmetries: bool,
) -> Tensor:
    """Scores of every pixel that has a whole window within an image.

    Args:
        parts: The backbone's, from :func:`dense_parts`.
        neck: One of :data:`POOLS`.
        classify: From features (n, F) to float32 scores (n, K), such as their softmax.
        x: Image, shape (1, C, H, W).
        all_symmetries: Whether those of the window's symmetries are averaged.

    Returns:
        float32 tensor (K, H − h + 1, W − w + 1).
    """
    pools, pixels = POOLS[type(neck).__name__], [part.embed(x) for part in parts]
    elements = symmetries(*parts[0].window) if all_symmetries else (0,)
    scores: list[Tensor] = []
    for element in elements:  # turned windows lie side by side in the turned image
        sized = []
        for part, each in zip(parts, pixels, strict=True):
            turned = dihedral(each, element, finer_source(part.network))
            sized.append((part.maps(turned.contiguous()), part.size, part.scale))
        features = torch.cat([pool(*each) for pool in pools for each in sized], dim=1)
        rows, columns = features.shape[2:]
        table = features[0].flatten(1).T  # (d, h, w) -> (h · w, d)
        found = torch.cat([classify(part) for part in table.split(CHUNK)])
        scores.append(undo_dihedral(found.T.unflatten(1, (rows, columns))[None], element))
    return torch.cat(scores).mean(dim=0)
