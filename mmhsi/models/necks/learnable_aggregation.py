"""Tokens of a window combined by what its ins token asks for (IMAE paper §2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_linear
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


def mlp(embed_dims: int) -> nn.Sequential:
    """Two linear maps of width d with GELU between them."""
    return nn.Sequential(nn.Linear(embed_dims, embed_dims), nn.GELU(), nn.Linear(embed_dims, embed_dims))


@MODELS.register_module()
class LearnableAggregation(QuietInit):
    """Combine pixel tokens Z (hw, d) and the ins token (d): Zᵀ f(Z) g(ins) / hw + ins, f and g MLPs (eq. 18 to 20).

    A pixel's token z is weighted by f(z) · g(ins). The paper sums over the pixels; here it is their mean, so that the
    features of a model trained on one window keep their size on another.

    Args:
        embed_dims: Token width d.
        init_cfg: mmengine's initialisation.
    """

    def __init__(self, embed_dims: int, init_cfg: dict | list[dict] | None = None) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims
        self.pixels_mlp = mlp(embed_dims)  # f
        self.ins_mlp = mlp(embed_dims)  # g
        init_linear(self)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Aggregate the last map.

        Args:
            inputs: Ins token (B, d) and maps (B, d, h, w), as :class:`mmhsi.models.IMAEViT` gives with
                ``with_ins_token=True``.

        Returns:
            Features, a tuple of one tensor (B, d).

        Raises:
            ConfigError: If the ins token is missing, or tokens have another width.
        """
        ins = inputs[0]
        if ins.dim() != 2:
            raise ConfigError("LearnableAggregation: the backbone gives no ins token; set with_ins_token=True in it")
        if ins.shape[1] != self.embed_dims:
            raise ConfigError(
                f"LearnableAggregation: embed_dims={self.embed_dims}, but the backbone's tokens are {ins.shape[1]} wide"
            )
        tokens = inputs[-1].flatten(2).transpose(1, 2)  # Z, (B, hw, d)
        # Zᵀ (f(Z) g(ins)) rather than (Zᵀ f(Z)) g(ins): the same, without a d x d matrix for every window.
        weights = self.pixels_mlp(tokens) @ self.ins_mlp(ins)[..., None]  # (B, hw, 1)
        return ((tokens * weights).mean(dim=1) + ins,)
