"""Light decoder of masked 3-D patches (LO-SST paper §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ..layers import init_linear
from ..layers.spatial_spectral_position import SpatialSpectralPosition
from ..layers.transformer_layer import TransformerLayer
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class LOMSSTDecoder(QuietInit):
    """From the encoder's visible tokens to the values of all 3-D patches.

    A mask token stands at every hidden place. Positions are added as in :class:`mmhsi.models.SST`, few spatial layers
    run on each block's tokens and as many spectral ones on each place's, and every spectral block has its own linear
    map d -> q · p · p, as the embedding has. :class:`mmhsi.models.LOMSST` fills in the arguments up to
    ``spectral_positions`` from its backbone.

    Args:
        in_channels: Width of the encoder's tokens.
        patch_values: Values of a patch, q · p · p.
        spectral_positions: Coordinate of each of the G spectral blocks: its index, or its centre wavelength in nm.
        embed_dims: Width d of the decoder. Default 32.
        depth: Spatial layers, and spectral layers. Default 1.
        num_heads: Heads. Default 2.
        head_dims: Width of a head. Default 16.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1 or ``embed_dims`` does not hold the positions.
    """

    def __init__(
        self,
        in_channels: int,
        patch_values: int,
        spectral_positions: Sequence[float],
        embed_dims: int = 32,
        depth: int = 1,
        num_heads: int = 2,
        head_dims: int = 16,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("LOMSSTDecoder", depth=depth, num_heads=num_heads, head_dims=head_dims)
        self.embed = nn.Linear(in_channels, embed_dims)
        self.mask_token = nn.Parameter(torch.empty(embed_dims))
        self.position = SpatialSpectralPosition(embed_dims, spectral_positions, owner="LOMSSTDecoder")
        self.spatial_layers, self.spectral_layers = (
            nn.Sequential(*(TransformerLayer(embed_dims, num_heads, head_dims, 4 * embed_dims) for _ in range(depth)))
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(embed_dims)
        self.weight = nn.Parameter(torch.empty(len(spectral_positions), embed_dims, patch_values))
        self.bias = nn.Parameter(torch.empty(len(spectral_positions), 1, patch_values))
        init_linear(self)
        # As any other linear map: one of each block.
        bound = (6 / (self.weight.shape[1] + self.weight.shape[2])) ** 0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, latent: Tensor, hidden: Tensor, grid: tuple[int, int], blocks: Tensor | None = None) -> Tensor:
        """Predict the values of all patches.

        Args:
            latent: Encoded tokens, shape (B, G, N, in_channels); what stands at hidden places is not used.
            hidden: Bool, shape (B, G, N).
            grid: (h, w) with N = h · w.
            blocks: Which spectral blocks, of any bands, int64, shape (G,); None for all.

        Returns:
            Tensor of shape (B, G, N, q · p · p), values ordered band, row, column.
        """
        batch = len(latent)
        x = self.embed(latent)
        parts = (self.position(grid), self.weight, self.bias)
        positions, weight, bias = (part if blocks is None else part[blocks] for part in parts)
        x = torch.where(hidden[..., None], self.mask_token.to(x.dtype), x) + positions
        x = self.spatial_layers(x.flatten(0, 1)).unflatten(0, (batch, -1))  # (B·G, N, d) -> (B, G, N, d)
        x = self.spectral_layers(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, -1))  # (B, N, G, d)
        x = self.norm(x).permute(2, 0, 1, 3).flatten(1, 2)  # (B, N, G, d) -> (G, B·N, d)
        values = torch.bmm(x, weight) + bias
        return values.unflatten(1, (batch, -1)).transpose(0, 1)  # (G, B·N, k) -> (B, G, N, k)
