"""Patch embedding of N-band images, and its inverse ordering for reconstruction targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from .tokens import take_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence


def patch_grid(size: int | Sequence[int], patch_size: int) -> tuple[int, int]:
    """Rows and columns of patches that an image of ``size`` is cut into, padded ones at the border included.

    Args:
        size: Side, or (height, width), in pixels.
        patch_size: p, in pixels.
    """
    height, width = (size, size) if isinstance(size, int) else size
    return -(-height // patch_size), -(-width // patch_size)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sides divide by ``multiple``.

    Args:
        x: Images, shape (B, C, H, W).
        multiple: Patch size in pixels.

    Returns:
        Tensor of shape (B, C, H', W'); ``x`` itself where nothing is missing.
    """
    missing_rows, missing_columns = -x.shape[2] % multiple, -x.shape[3] % multiple
    if not missing_rows and not missing_columns:
        return x
    return F.pad(x, (0, missing_columns, 0, missing_rows), mode="replicate")


def patchify(x: Tensor, patch_size: int) -> Tensor:
    """Cut images into patches, one row a patch.

    Args:
        x: Images, shape (B, C, H, W), sides divisible by ``patch_size``.
        patch_size: p, in pixels.

    Returns:
        Tensor of shape (B, H/p · W/p, C · p · p), the values of a patch ordered band, row, column.
    """
    batch, bands, height, width = x.shape
    p = patch_size
    x = x.reshape(batch, bands, height // p, p, width // p, p)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, (height // p) * (width // p), bands * p * p)


def unpatchify(patches: Tensor, patch_size: int, grid: tuple[int, int]) -> Tensor:
    """Undo :func:`patchify`.

    Args:
        patches: Shape (B, h · w, C · p · p).
        patch_size: p, in pixels.
        grid: (h, w).

    Returns:
        Tensor of shape (B, C, h · p, w · p).
    """
    p, (height, width) = patch_size, grid
    x = patches.reshape(patches.shape[0], height, width, -1, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(patches.shape[0], -1, height * p, width * p)


class PatchEmbed(nn.Module):
    """Linear map of p × p × C patches to tokens.

    Args:
        in_channels: Bands C.
        embed_dims: Token width d.
        patch_size: p, in pixels. Inputs whose sides do not divide are padded by repeating their last row and column.
    """

    def __init__(self, in_channels: int, embed_dims: int, patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.projection = nn.Conv2d(in_channels, embed_dims, kernel_size=patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed (B, C, H, W) into tokens (B, h · w, d), and give the grid (h, w).

        Args:
            x: Images, shape (B, C, H, W).
        """
        x = self.projection(pad_to_multiple(x, self.patch_size))
        return x.flatten(2).transpose(1, 2), (x.shape[2], x.shape[3])

    def some(self, x: Tensor, chosen: Tensor) -> Tensor:
        """Embed a few patches of (B, C, H, W) alone, as one matrix product: tokens (B, n, d).

        Nothing is computed for the others.

        Args:
            x: Images, shape (B, C, H, W).
            chosen: Indices of the patches, row-major over the grid, shape (B, n).
        """
        patches = take_tokens(patchify(pad_to_multiple(x, self.patch_size), self.patch_size), chosen)
        return F.linear(patches, self.projection.weight.flatten(1), self.projection.bias)
