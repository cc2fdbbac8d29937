"""Convolutional decoder (LO-SST paper §3.4; dissertation §3.4)."""

from __future__ import annotations

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_classifier
from ..quiet_init import QuietInit


class DoubleConv(nn.Sequential):
    """Two 3×3 convolutions, each with normalisation and ReLU."""

    def __init__(self, in_channels: int, channels: int, norm_cfg: dict) -> None:
        super().__init__(
            ConvModule(in_channels, channels, kernel_size=3, padding=1, norm_cfg=norm_cfg),
            ConvModule(channels, channels, kernel_size=3, padding=1, norm_cfg=norm_cfg),
        )


class UpsampleBlock(nn.Sequential):
    """A 2×2 transposed convolution of stride 2, then a double convolution.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output, which is twice as high and wide.
        norm_cfg: Normalisation after each 3×3 convolution.
    """

    def __init__(self, in_channels: int, channels: int, norm_cfg: dict) -> None:
        super().__init__(
            nn.ConvTranspose2d(in_channels, channels, kernel_size=2, stride=2),
            DoubleConv(channels, channels, norm_cfg),
        )


@MODELS.register_module()
class CNNHead(QuietInit, BaseDecodeHead):
    """Doubles the last map ``num_upsamples`` times, two 3×3 convolutions each time, then classifies by a 1×1 one.

    With 3 it is the paper's nine layers, from 16×16 to 128×128. It takes patches of 2^num_upsamples pixels to single
    pixels; other sizes are resized by mmseg as in every head. Without upsampling it is the two 3×3 convolutions of one
    block. The paper does not give the widths.

    Args:
        in_channels: Channels d of the backbone's map.
        num_classes: Classes K.
        channels: Width of all layers. Default 64.
        num_upsamples: Default 3; 0 for patches of single pixels.
        in_index: Which of the backbone's maps. Default: the last.
        norm_cfg: Normalisation. Default: ``dict(type='BN')``; ``'SyncBN'`` on many GPUs.
        init_cfg: mmengine's initialisation.
        **kwargs: mmseg's :class:`BaseDecodeHead`; name ``loss_decode``, its default is not found from this scope.

    Raises:
        ConfigError: If ``num_upsamples`` is negative.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int = 64,
        num_upsamples: int = 3,
        in_index: int = -1,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        if num_upsamples < 0:
            raise ConfigError(f"CNNHead: num_upsamples={num_upsamples} given, expected at least 0")
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            channels=channels,
            num_classes=num_classes,
            out_channels=num_classes,  # two classes keep two logits
            norm_cfg=norm_cfg or dict(type="BN"),
            init_cfg=init_cfg,
            **kwargs,
        )
        block = UpsampleBlock if num_upsamples else DoubleConv
        widths = [in_channels, *[channels] * (num_upsamples - 1)]
        self.blocks = nn.Sequential(*(block(width, channels, self.norm_cfg) for width in widths))
        init_classifier(self.conv_seg)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Classify from the backbone's maps, each (B, d, h, w), to logits (B, K, h · 2^n, w · 2^n).

        Args:
            inputs: The backbone's maps, each (B, d, h, w).
        """
        return self.cls_seg(self.blocks(self._transform_inputs(inputs)))
