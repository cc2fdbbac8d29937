"""Masks of self-distillation: some of the images, each with its own share of hidden tokens, in blocks or spans.

How many tokens are hidden is drawn on the host, where they lie on the device. The number of hidden tokens is therefore
known without waiting for the device, and the hidden tokens alone go through the head.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MASKING

from ..layers import pad_to_multiple
from ..masking.blockwise import rectangle_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..rng import BatchRNG


class TokenMask(NamedTuple):
    """Hidden tokens of a batch.

    Attributes:
        hidden: Bool, shape (B, N), True = hidden.
        indices: Hidden tokens, ascending, as indices into the (B · N) tokens of all images, shape (n,).
        weights: For each of them one over the number of its image's hidden tokens, shape (n,); tokens without data
            have 0 and are not counted.
    """

    hidden: Tensor
    indices: Tensor
    weights: Tensor


def draw_counts(
    images: int, generator: torch.Generator | None, masked: Tensor, tokens: int, ratio: tuple[float, float]
) -> Tensor:
    """Draw how many tokens each image hides, such that all sizes of masks occur in a batch (DINOv2).

    The range of ratios is cut into as many bins as there are masked images, and each draws from a bin of its own.

    Args:
        images: Number of images B.
        generator: Source of randomness on the CPU, None for torch's own.
        masked: Indices of the masked ones, shape (m,).
        tokens: Tokens N of an image.
        ratio: Smallest and largest share of hidden tokens, the largest above 0.

    Returns:
        int64 tensor of shape (B,) on the CPU: 0 for images that are not masked, 1 to N for those that are.
    """
    edges = torch.linspace(*ratio, len(masked) + 1)
    ratios = edges[:-1] + torch.rand(len(masked), generator=generator) * edges.diff()
    counts = torch.zeros(images, dtype=torch.int64)
    counts[masked] = (ratios[torch.randperm(len(masked), generator=generator)] * tokens).round().long().clamp(1, tokens)
    return counts


def hide_blocks(rng: BatchRNG, counts: Tensor, grid: tuple[int, int], min_aspect: float = 0.3) -> Tensor:
    """Hide rectangles until exactly ``counts`` tokens are hidden; on a grid of one row these are spans.

    Rectangles are drawn one after another, each at most half of the count; of the one that would exceed the count, and
    of what is left where all of them do not suffice, tokens are taken at random.

    Args:
        rng: What to draw from, for B images.
        counts: Hidden tokens of each image, shape (B,), on the device where the mask is made.
        grid: Token grid (h, w).
        min_aspect: Smallest ratio of the shorter to the longer side; log-uniform between it and its inverse.

    Returns:
        Bool tensor of shape (B, h · w), True = hidden.
    """
    ranks = rectangle_scores(rng, counts, grid, min_aspect).argsort(dim=1, descending=True).argsort(dim=1)
    return ranks < counts[:, None]


def patches_with_data(valid: Tensor, patch_size: int) -> Tensor:
    """Which patches hold a pixel with data, bool, shape (B, h · w).

    Args:
        valid: Pixels that hold data, bool, shape (B, H, W).
        patch_size: p, in pixels.
    """
    return F.max_pool2d(pad_to_multiple(valid[:, None].float(), patch_size), patch_size).flatten(1) > 0


def list_hidden(hidden: Tensor, total: int, has_data: Tensor | None = None) -> TokenMask:
    """List the hidden tokens without waiting for the device.

    Args:
        hidden: Bool, shape (B, N).
        total: How many are hidden, in all.
        has_data: Tokens that hold data, bool, shape (B, N); None if all do.
    """
    # A stable sort of the mask lists hidden tokens first, in order.
    indices = hidden.flatten().to(torch.uint8).argsort(descending=True, stable=True)[:total]
    counted = hidden if has_data is None else hidden & has_data
    weights = counted / counted.sum(dim=1, keepdim=True).clamp(min=1)
    return TokenMask(hidden, indices, weights.flatten()[indices])


@MASKING.register_module()
class DINOMasking:
    """Masks of a batch's global views: some of the images, each with a share of its own of hidden tokens (DINOv2).

    Streams are masked in the same images, each with its own shares and places: blocks of a grid of patches, spans of a
    row of band groups.

    Args:
        probability: Share of the images of all processes that are masked; at least one is, which a process need not
            have. Default 0.5.
        ratio: Smallest and largest share of hidden patches in these; at least one is hidden. Default (0.1, 0.5).
        spectral_ratio: The same for band groups.
        min_aspect: Smallest aspect ratio of a hidden block. Default 0.3.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        probability: float = 0.5,
        ratio: tuple[float, float] = (0.1, 0.5),
        spectral_ratio: tuple[float, float] = (0.1, 0.5),
        min_aspect: float = 0.3,
    ) -> None:
        for name, value in (("probability", probability), ("min_aspect", min_aspect)):
            if not 0 < value <= 1:
                raise ConfigError(f"DINOMasking: {name}={value} given, expected more than 0 and at most 1")
        for name, shares in (("ratio", ratio), ("spectral_ratio", spectral_ratio)):
            if len(shares) != 2 or not 0 <= shares[0] <= shares[1] <= 1 or shares[1] == 0:
                raise ConfigError(f"DINOMasking: {name}={shares} given, expected two shares in order, one above 0")
        self.probability = probability
        self.ratios = (ratio, spectral_ratio)
        self.min_aspect = min_aspect

    def __call__(
        self, rng: BatchRNG, grids: Sequence[tuple[int, int] | None], has_data: Tensor | None = None
    ) -> list[TokenMask | None]:
        """Draw the masks.

        Args:
            rng: What to draw from, for B images.
            grids: Token grid (h, w) of the patches and, for two streams, (1, g) of the band groups; None for a stream
                that is not masked.
            has_data: Patches that hold data, bool, shape (B, h · w); None if all do.

        Returns:
            A mask for each grid, None where there is none.
        """
        masked = rng.batch_order()[: max(int(rng.total * self.probability), 1)]
        masks: list[TokenMask | None] = []
        for grid, ratio in zip(grids, self.ratios, strict=False):
            if grid is None:
                masks.append(None)
                continue
            choose = partial(draw_counts, masked=masked, tokens=grid[0] * grid[1], ratio=ratio)
            counts = rng.draw(choose, torch.device("cpu"))
            hidden = hide_blocks(rng, counts.to(rng.device, non_blocking=True), grid, self.min_aspect)
            masks.append(list_hidden(hidden, int(counts.sum()), None if masks else has_data))
        return masks

    def __repr__(self) -> str:
        return f"DINOMasking(probability={self.probability}, ratios={self.ratios}, min_aspect={self.min_aspect})"
