"""Multiscale linear decode head (dissertation §3.4, Fig. 3.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead

from mmhsi.registry import MODELS

from ..layers import init_classifier
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@MODELS.register_module()
class MultiscaleLinearHead(QuietInit, BaseDecodeHead):
    """Maps of several layers, resized to the first, concatenated, batch-normalised, one 1×1 convolution.

    Args:
        in_channels: Channels of each map.
        in_index: Which of the backbone's maps, as many as ``in_channels``.
        num_classes: Classes K.
        norm_cfg: Normalisation of the concatenated maps. Default: ``dict(type='BN')``; ``'SyncBN'`` on many GPUs.
        init_cfg: mmengine's initialisation.
        **kwargs: mmseg's :class:`BaseDecodeHead`; name ``loss_decode``, its default is not found from this scope.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int],
        num_classes: int,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            channels=sum(in_channels),
            num_classes=num_classes,
            # Two classes keep two logits; mmseg's hint to use one would only be noise.
            out_channels=num_classes,
            input_transform="resize_concat",
            norm_cfg=norm_cfg or dict(type="BN"),
            init_cfg=init_cfg,
            **kwargs,
        )
        self.norm = build_norm_layer(self.norm_cfg, self.channels)[1]
        init_classifier(self.conv_seg)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify from the backbone's maps, each (B, d, h, w), to logits (B, K, h, w) at the first map's size.

        Args:
            inputs: The backbone's maps, each (B, d, h, w).
        """
        return self.cls_seg(self.norm(self._transform_inputs(inputs)))
