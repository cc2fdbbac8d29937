"""UNet decoder with skips from the encoder's layers (LO-SST paper §3.4; dissertation §3.4 and §4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_classifier
from ..quiet_init import QuietInit
from .cnn_head import DoubleConv, UpsampleBlock

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class UNetHead(QuietInit, BaseDecodeHead):
    """Doubles the last map like :class:`CNNHead`, and before each doubling joins it with a map of an earlier layer.

    The layers of a plain transformer all have one resolution, so that a skip is brought to its level by as many
    :class:`UpsampleBlock` as are needed. With 4 maps and 3 upsamplings these are the LO-SST paper's six transposed and
    ten double convolutions: one on the last map; then three times a join and a doubling, of which the second and the
    third skip take one and two doublings of their own. It is also the dissertation's convolutional decoder, which takes
    the outputs of the last four layers. Neither says which layer goes where, nor gives widths.

    With fewer upsamplings than skips the first skips are joined at the encoder's resolution.

    Args:
        in_channels: Channels of each map, at least ``num_upsamples`` + 1 of them.
        in_index: Which of the backbone's maps, from shallow to deep, as many as ``in_channels``.
        num_classes: Classes K.
        channels: Width of all layers. Default 64.
        num_upsamples: Default 3, for patches of 8 pixels.
        norm_cfg: Normalisation. Default: ``dict(type='BN')``; ``'SyncBN'`` on many GPUs.
        init_cfg: mmengine's initialisation.
        **kwargs: mmseg's :class:`BaseDecodeHead`; name ``loss_decode``, its default is not found from this scope.

    Raises:
        ConfigError: If ``num_upsamples`` is negative or there are not enough maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int],
        num_classes: int,
        channels: int = 64,
        num_upsamples: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        if not 0 <= num_upsamples < len(in_channels):
            raise ConfigError(
                f"UNetHead: num_upsamples={num_upsamples} given with {len(in_channels)} maps, expected 0 to "
                f"{len(in_channels) - 1}: the deepest map, and one skip for every upsampling"
            )
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            channels=channels,
            num_classes=num_classes,
            out_channels=num_classes,  # two classes keep two logits
            input_transform="multiple_select",
            norm_cfg=norm_cfg or dict(type="BN"),
            init_cfg=init_cfg,
            **kwargs,
        )
        *shallow, deepest = in_channels
        self.bottleneck = DoubleConv(deepest, channels, self.norm_cfg)
        self.skips, self.joins, self.upsamples = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for number, width in enumerate(reversed(shallow)):
            level = max(0, number - (len(shallow) - num_upsamples))
            widths = [width, *[channels] * level]
            self.skips.append(nn.Sequential(*(UpsampleBlock(w, channels, self.norm_cfg) for w in widths[:level])))
            self.joins.append(DoubleConv(channels + widths[-1], channels, self.norm_cfg))
            doubled = number >= len(shallow) - num_upsamples
            self.upsamples.append(UpsampleBlock(channels, channels, self.norm_cfg) if doubled else nn.Identity())
        init_classifier(self.conv_seg)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify from the backbone's maps, each (B, d, h, w), to logits (B, K, h · 2^n, w · 2^n).

        Args:
            inputs: The backbone's maps, each (B, d, h, w).
        """
        *shallow, deepest = self._transform_inputs(inputs)
        x = self.bottleneck(deepest)
        for skip, join, upsample, earlier in zip(
            self.skips, self.joins, self.upsamples, reversed(shallow), strict=True
        ):
            x = upsample(join(torch.cat([x, skip(earlier)], dim=1)))
        return self.cls_seg(x)
