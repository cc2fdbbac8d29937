"""Linear decode head from each token to its own pixels (LO-SST paper §3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_classifier
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@MODELS.register_module()
class TokenLinearHead(QuietInit, BaseDecodeHead):
    """One fully connected layer from a place's token to the classes of its p × p pixels, reshaped to the image.

    It has (d + 1) · p² · K parameters. Logits come at the resolution of the pixels, none is interpolated.

    Args:
        in_channels: Channels d of the backbone's map.
        num_classes: Classes K.
        patch_size: p, the backbone's.
        in_index: Which of the backbone's maps. Default: the last.
        dropout_ratio: Dropout of whole channels before the layer. Default 0.
        init_cfg: mmengine's initialisation.
        **kwargs: mmseg's :class:`BaseDecodeHead`; name ``loss_decode``, its default is not found from this scope.

    Raises:
        ConfigError: If ``patch_size`` is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        patch_size: int,
        in_index: int = -1,
        dropout_ratio: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        if patch_size < 1:
            raise ConfigError(f"TokenLinearHead: patch_size={patch_size} given, expected at least 1")
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            channels=in_channels,
            num_classes=num_classes,
            out_channels=num_classes,  # two classes keep two logits
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg,
            **kwargs,
        )
        self.patch_size = patch_size
        self.conv_seg = nn.Conv2d(in_channels, num_classes * patch_size**2, kernel_size=1)
        init_classifier(self.conv_seg)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify from the backbone's maps, each (B, d, h, w), to logits (B, K, h · p, w · p).

        Args:
            inputs: The backbone's maps, each (B, d, h, w).
        """
        # (B, K·p·p, h, w) -> (B, K, h·p, w·p)
        return F.pixel_shuffle(self.cls_seg(self._transform_inputs(inputs)), self.patch_size)
