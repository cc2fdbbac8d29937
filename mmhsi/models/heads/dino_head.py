"""Projection head of self-distillation (DINO, Caron et al. 2021; DINOv2, Oquab et al. 2024)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from mmhsi.arguments import check_sizes
from mmhsi.registry import MODELS

from ..quiet_init import QuietInit


@MODELS.register_module()
class DINOHead(QuietInit):
    """Scores of prototypes: an MLP to a narrow layer, its output on the unit sphere, and one direction a prototype.

    A prototype is a unit vector times a learned scale g that starts at 1 (weight norm), so that scores start as
    cosines. Maps start as truncated normal draws of standard deviation 0.02, biases at 0. With d 768 and the defaults
    it has 23,138,560 parameters, the 65,536 scales counted.

    Args:
        in_channels: Token width d.
        num_prototypes: Prototypes K. Default 65,536.
        hidden_channels: Width of the MLP's hidden layers. Default 2048.
        bottleneck_channels: Width of its output. Default 256.
        num_layers: Linear layers of the MLP. Default 3.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If a size is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        num_prototypes: int = 65_536,
        hidden_channels: int = 2048,
        bottleneck_channels: int = 256,
        num_layers: int = 3,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes(
            "DINOHead",
            in_channels=in_channels,
            num_prototypes=num_prototypes,
            hidden_channels=hidden_channels,
            bottleneck_channels=bottleneck_channels,
            num_layers=num_layers,
        )
        self.num_prototypes = num_prototypes
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), bottleneck_channels]
        layers: list[nn.Module] = []
        for width, next_width in pairwise(widths):
            layers += [nn.Linear(width, next_width), nn.GELU()]
        self.mlp = nn.Sequential(*layers[:-1])
        self.last_layer = weight_norm(nn.Linear(bottleneck_channels, num_prototypes, bias=False))
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        scale, direction = self.last_layer.parametrizations.weight.parameters()
        nn.init.ones_(scale)
        nn.init.trunc_normal_(direction, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Score tokens (n, d): (n, K), float32.

        The last layer ignores autocast: temperatures as low as 0.04 turn the rounding of bfloat16 cosines, up to 0.002,
        into 5 % of a prototype's share.

        Args:
            x: Tokens, shape (n, d).
        """
        x = self.mlp(x).float()
        with torch.autocast(x.device.type, enabled=False):
            return self.last_layer(F.normalize(x, dim=-1))
