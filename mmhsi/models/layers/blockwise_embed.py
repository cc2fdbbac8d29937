"""Embedding of 3-D patches with one linear map per spectral block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_choice, check_sizes
from mmhsi.errors import ConfigError

from .patch_embed import pad_to_multiple
from .spectral_embed import pad_bands


class BlockwiseEmbed(nn.Module):
    """Blockwise spectral embedding of p × p × q patches (LO-SST paper §3.1).

    Every block of q neighbouring bands has its own linear map q · p · p -> d, all of them applied in one batched matrix
    product. One LayerNorm before and one after the maps are shared by the blocks. The first takes the mean and the
    deviation of every patch away: of smooth bands, its brightness.

    Args:
        in_channels: Bands C.
        embed_dims: Token width d.
        patch_size: p, in pixels. Sides that p does not divide are padded by repeating the last row and column.
        bands_per_block: q.
        band_padding: What happens where q does not divide C: ``'repeat'`` repeats the last band, ``'refuse'`` is an
            error.
        norm_before: Whether there is a LayerNorm before the maps.
        owner: Name for error messages.

    Raises:
        ConfigError: If a size is below 1, ``band_padding`` is unknown, or the bands do not divide and must.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int,
        patch_size: int,
        bands_per_block: int,
        band_padding: str = "repeat",
        norm_before: bool = True,
        owner: str = "BlockwiseEmbed",
    ) -> None:
        super().__init__()
        check_sizes(owner, in_channels=in_channels, patch_size=patch_size, bands_per_block=bands_per_block)
        check_choice(owner, "band_padding", band_padding, ("repeat", "refuse"))
        if band_padding == "refuse" and in_channels % bands_per_block:
            raise ConfigError(
                f"{owner}: {in_channels} bands do not divide into blocks of {bands_per_block}; change bands_per_block, "
                "or repeat the last band with band_padding='repeat'"
            )
        self.patch_size = patch_size
        self.bands_per_block = bands_per_block
        self.num_blocks = -(-in_channels // bands_per_block)
        values = bands_per_block * patch_size * patch_size
        self.norm_before = nn.LayerNorm(values) if norm_before else nn.Identity()
        self.weight = nn.Parameter(torch.empty(self.num_blocks, values, embed_dims))
        self.bias = nn.Parameter(torch.empty(self.num_blocks, 1, embed_dims))
        self.norm_after = nn.LayerNorm(embed_dims)
        bound = (6 / (values + embed_dims)) ** 0.5  # Xavier's, of every block
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def patches(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Pad images and cut them into 3-D patches.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            Patches (B, G, N, q · p · p), values ordered band, row, column, and the grid (h, w) with N = h · w.
        """
        x = pad_to_multiple(pad_bands(x, self.bands_per_block), self.patch_size)
        batch, side = x.shape[0], self.patch_size
        blocks, grid = x.shape[1] // self.bands_per_block, (x.shape[2] // side, x.shape[3] // side)
        cells = x.reshape(batch, blocks, self.bands_per_block, grid[0], side, grid[1], side)
        # Block first in memory, as the batched product of forward wants it: (B, G, q, h, p, w, p) -> (G, B, N, q·p·p)
        cells = cells.permute(1, 0, 3, 5, 2, 4, 6).reshape(blocks, batch, grid[0] * grid[1], -1)
        return cells.transpose(0, 1), grid

    def images(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """Put the patches of :meth:`patches` together again, padding included.

        Args:
            patches: Shape (B, G, N, q · p · p).
            grid: (h, w) with N = h · w.

        Returns:
            Tensor of shape (B, G · q, h · p, w · p).
        """
        side = self.patch_size
        cells = patches.unflatten(2, grid).unflatten(4, (self.bands_per_block, side, side))
        # (B, G, h, w, q, p, p) -> (B, G, q, h, p, w, p) -> (B, G·q, h·p, w·p)
        return cells.permute(0, 1, 4, 2, 5, 3, 6).reshape(len(patches), -1, grid[0] * side, grid[1] * side)

    def forward(self, x: Tensor, blocks: Tensor | None = None) -> tuple[Tensor, tuple[int, int]]:
        """Embed images (B, C, H, W) into tokens (B, G, N, d), and give the grid (h, w).

        Args:
            x: Images, shape (B, C, H, W).
            blocks: Which blocks the bands fill, int64, shape (G,); None for all, in turn.
        """
        patches, grid = self.patches(x)
        rows = self.norm_before(patches.transpose(0, 1).flatten(1, 2))  # (B, G, N, k) -> (G, B·N, k)
        weight, bias = (part if blocks is None else part[blocks] for part in (self.weight, self.bias))
        tokens = torch.bmm(rows, weight) + bias
        tokens = tokens.unflatten(1, (x.shape[0], -1)).transpose(0, 1)  # (G, B·N, d) -> (B, G, N, d)
        return self.norm_after(tokens), grid
