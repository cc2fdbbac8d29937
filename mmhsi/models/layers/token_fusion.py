"""Exchange between the spatial and the spectral stream: both are changed by a residual, from the state before it.

All residuals start at zero, so that training begins with two plain transformers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


def zero_(layer: nn.Linear | nn.Conv1d) -> None:
    """Set a layer's weight and bias to zero.

    Args:
        layer: Changed in place.
    """
    for values in layer.parameters(recurse=False):
        nn.init.zeros_(values)


class CrossAttentionFusion(nn.Module):
    """Each stream's tokens attend to the other stream's, whatever their numbers."""

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.spectral_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.to_spatial = nn.MultiheadAttention(embed_dims, num_heads, batch_first=True)
        self.to_spectral = nn.MultiheadAttention(embed_dims, num_heads, batch_first=True)
        # Queries, keys and values are torch's Xavier-uniform ones.
        zero_(self.to_spatial.out_proj)
        zero_(self.to_spectral.out_proj)

    def forward(self, spatial: Tensor, spectral: Tensor) -> tuple[Tensor, Tensor]:
        """Exchange between (B, n, d) and (B, m, d); the shapes stay.

        Args:
            spatial: Tokens, shape (B, n, d).
            spectral: Tokens, shape (B, m, d).
        """
        queries, keys = self.spatial_norm(spatial), self.spectral_norm(spectral)
        to_spatial = self.to_spatial(queries, keys, keys, need_weights=False)[0]
        to_spectral = self.to_spectral(keys, queries, queries, need_weights=False)[0]
        return spatial + to_spatial, spectral + to_spectral


class PooledFusion(nn.Module):
    """Each token receives a linear map of the other stream's summary: its CLS and the mean of its other tokens."""

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.spectral_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.to_spatial = nn.Linear(2 * embed_dims, embed_dims)
        self.to_spectral = nn.Linear(2 * embed_dims, embed_dims)
        zero_(self.to_spatial)
        zero_(self.to_spectral)

    @staticmethod
    def summary(tokens: Tensor) -> Tensor:
        """CLS and the mean of the other tokens: (B, n, d) -> (B, 1, 2 · d).

        Args:
            tokens: CLS first, shape (B, n, d).
        """
        return torch.cat([tokens[:, :1], tokens[:, 1:].mean(dim=1, keepdim=True)], dim=-1)

    def forward(self, spatial: Tensor, spectral: Tensor) -> tuple[Tensor, Tensor]:
        """Exchange between (B, n, d) and (B, m, d); the shapes stay.

        Args:
            spatial: Tokens, shape (B, n, d).
            spectral: Tokens, shape (B, m, d).
        """
        to_spatial = self.to_spatial(self.summary(self.spectral_norm(spectral)))
        to_spectral = self.to_spectral(self.summary(self.spatial_norm(spatial)))
        return spatial + to_spatial, spectral + to_spectral


class TokenMix(nn.Module):
    """The two 1x1 convolutions over the token axis (dissertation §3.2, Fig. 3.6).

    Args:
        spatial_tokens: Tokens n of the spatial stream, CLS and registers included.
        spectral_tokens: Tokens m of the spectral stream.
    """

    def __init__(self, spatial_tokens: int, spectral_tokens: int) -> None:
        super().__init__()
        self.to_spatial = nn.Conv1d(spatial_tokens + spectral_tokens, spatial_tokens, kernel_size=1)
        self.to_spectral = nn.Conv1d(spatial_tokens + spectral_tokens, spectral_tokens, kernel_size=1)
        zero_(self.to_spatial)
        zero_(self.to_spectral)

    def forward(self, spatial: Tensor, spectral: Tensor) -> tuple[Tensor, Tensor]:
        """Exchange between (B, n, d) and (B, m, d); the shapes stay.

        Args:
            spatial: Tokens, shape (B, n, d).
            spectral: Tokens, shape (B, m, d).
        """
        tokens = torch.cat([spatial, spectral], dim=1)  # (B, n + m, d): tokens are the convolutions' channels
        return spatial + self.to_spatial(tokens), spectral + self.to_spectral(tokens)


class TokenMixFusion(nn.Module):
    """A :class:`TokenMix` for each number of spatial tokens that may come.

    Args:
        spatial_tokens: The numbers of spatial tokens, one for each image size, all different.
        spectral_tokens: Tokens of the spectral stream.
    """

    def __init__(self, spatial_tokens: Sequence[int], spectral_tokens: int) -> None:
        super().__init__()
        self.mixes = nn.ModuleDict({str(count): TokenMix(count, spectral_tokens) for count in spatial_tokens})

    def forward(self, spatial: Tensor, spectral: Tensor) -> tuple[Tensor, Tensor]:
        """Exchange between (B, n, d) and (B, m, d); the shapes stay.

        Args:
            spatial: Tokens, shape (B, n, d).
            spectral: Tokens, shape (B, m, d).
        """
        return self.mixes[str(spatial.shape[1])](spatial, spectral)
