"""Feed-forward network whose hidden units are gated by a GELU."""

from __future__ import annotations

import torch.nn.functional as F
from mmpretrain.models.utils import SwiGLUFFN
from torch import Tensor


class GatedFFN(SwiGLUFFN):
    """GELU(a) · b between two linear maps, with the residual (SS-MAE; Shazeer 2020 calls it GEGLU).

    mmpretrain's SwiGLU network with GELU in place of SiLU; ``w12`` holds the maps to a and b, in this order. Takes the
    place of the ``ffn`` of mmpretrain's transformer layers.

    Args:
        embed_dims: Token width d.
        feedforward_channels: Hidden units, of a and of b each.
        dropout_layer: Config of the drop path. Default: none.
    """

    def __init__(self, embed_dims: int, feedforward_channels: int, dropout_layer: dict | None = None) -> None:
        super().__init__(embed_dims, feedforward_channels, dropout_layer=dropout_layer)

    def forward(self, x: Tensor, identity: Tensor | None = None) -> Tensor:
        """Transform tokens (..., d) and add ``identity``, by default ``x``.

        Args:
            x: Tokens, shape (..., d).
            identity: Shape (..., d); None for ``x``.
        """
        a, b = self.w12(x).chunk(2, dim=-1)
        return (x if identity is None else identity) + self.dropout_layer(self.w3(F.gelu(a) * b))
