"""Mask2Former for semantic segmentation (Cheng et al. 2022), the LO-SST paper's comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from mmseg.models.segmentors import BaseSegmentor
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..freezing import FreezableBackbone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmseg.structures import SegDataSample


def build_decoder(in_channels: Sequence[int], num_classes: int, **sizes: int) -> nn.Module:
    """Build transformers' decoder, whose package is imported only here.

    Args:
        in_channels: Channels of the four maps.
        num_classes: K.
        **sizes: Of transformers' ``Mask2FormerConfig``.

    Raises:
        ConfigError: If transformers is not installed.
    """
    settings: dict[str, Any] = {"num_labels": num_classes, **sizes}
    try:
        from transformers import Mask2FormerConfig

        from .mask2former_decoder import Mask2FormerDecoder
    except ImportError as error:
        raise ConfigError(
            "Mask2Former: needs the package transformers; install it with pip install 'transformers>=5.20'"
        ) from error
    return Mask2FormerDecoder(Mask2FormerConfig(**settings), in_channels)


@MODELS.register_module()
class Mask2Former(FreezableBackbone, BaseSegmentor):
    """Any backbone of four maps under Mask2Former's pixel and transformer decoder, without compiled operations.

    Every query has a class and a mask. The decoder is transformers', drawn anew; the backbone is built from this
    registry, mmseg's Swin in the configs. Inputs are padded with 0, the bands' mean, to a multiple of
    ``size_divisor`` and masks cut back, so that the maps of all levels cover the same ground.

    Args:
        backbone: Config of the backbone.
        in_channels: Channels of its four maps, from fine to coarse.
        num_classes: Classes K.
        channels: Width of both decoders and of the masks' features, a multiple of 64. Default 256.
        num_heads: Attention heads of both decoders. Default 8.
        num_queries: Queries Q. Default 100.
        encoder_layers: Layers of deformable attention in the pixel decoder. Default 6.
        decoder_layers: Layers of the transformer decoder. Default 9.
        encoder_feedforward: Hidden width in the pixel decoder. Default 1024.
        decoder_feedforward: Hidden width in the transformer decoder. Default 2048.
        size_divisor: Step of the coarsest map in pixels. Default 32.
        loss: Config of the loss. Default: ``dict(type='Mask2FormerLoss')``.
        ignore_index: Label of unlabelled pixels. Default 255.
        frozen: Whether the backbone stays as it was loaded. Default False.
        data_preprocessor: Config of the preprocessor.
        init_cfg: Where to load the whole model from.

    Raises:
        ConfigError: If transformers is not installed, there are not four maps, or the widths do not divide.
    """

    align_corners = False  # mmseg asks for it when it brings logits to a label's size

    def __init__(
        self,
        backbone: dict,
        in_channels: Sequence[int],
        num_classes: int,
        channels: int = 256,
        num_heads: int = 8,
        num_queries: int = 100,
        encoder_layers: int = 6,
        decoder_layers: int = 9,
        encoder_feedforward: int = 1024,
        decoder_feedforward: int = 2048,
        size_divisor: int = 32,
        loss: dict | None = None,
        ignore_index: int = 255,
        frozen: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if len(in_channels) != 4:
            raise ConfigError(f"Mask2Former: in_channels={list(in_channels)} given, expected those of four maps")
        # transformers' 32 groups must hold more than one value, also on a map of one pixel.
        if channels % 64 or channels % num_heads:
            raise ConfigError(f"Mask2Former: channels={channels} given, expected a multiple of 64 and of {num_heads=}")
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decoder = build_decoder(
            in_channels,
            num_classes,
            feature_size=channels,
            mask_feature_size=channels,
            hidden_dim=channels,
            num_attention_heads=num_heads,
            num_queries=num_queries,
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers + 1,  # transformers counts the queries as learned
            encoder_feedforward_dim=encoder_feedforward,
            dim_feedforward=decoder_feedforward,
        )
        self.criterion = MODELS.build(loss or dict(type="Mask2FormerLoss"))
        self.size_divisor = size_divisor
        self.ignore_index = ignore_index
        if frozen:
            self.freeze_backbone()

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Maps of the padded input (B, C, H, W), from fine to coarse.

        Args:
            inputs: Shape (B, C, H, W).
        """
        height, width = inputs.shape[2:]
        return self.backbone(F.pad(inputs, (0, -width % self.size_divisor, 0, -height % self.size_divisor)))

    def _masks_of_pixels(self, masks: Tensor, inputs: Tensor) -> Tensor:
        """Bring mask logits (B, Q, h, w) of the padded input to the input's pixels, (B, Q, H, W)."""
        height, width = inputs.shape[2:]
        padded = (height + -height % self.size_divisor, width + -width % self.size_divisor)
        return F.interpolate(masks, size=padded, mode="bilinear", align_corners=False)[..., :height, :width]

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict] | None = None) -> Tensor:
        """Logarithm of every class's score: of the queries' class shares times their masks, summed over the queries.

        Shares are the softmax over classes and no object, masks the sigmoid of their logits (Cheng et al. 2021, §3.4).
        Of the logarithm, a softmax gives the scores again, divided by their sum.

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
            batch_img_metas: Not looked at: the output has the input's size.

        Returns:
            float32, shape (B, K, H, W).
        """
        classes, masks = self.decoder(self.extract_feat(inputs))[-1]
        shares = classes.float().softmax(-1)[..., :-1]
        with torch.autocast(inputs.device.type, enabled=False):
            scores = torch.einsum("bqk,bqhw->bkhw", shares, self._masks_of_pixels(masks.float(), inputs).sigmoid())
        return scores.clamp(min=torch.finfo(scores.dtype).tiny).log()

    def _forward(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> Tensor:
        return self.encode_decode(inputs)

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Put the most likely classes and the logarithms of scores into the samples.

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
            data_samples: mmseg's samples, one a tile; None for new ones.
        """
        return self.postprocess_result(self.encode_decode(inputs), data_samples)

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Sums over the decoder's layers of the class, mask and dice terms.

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
            data_samples: With labels, of the input's size or finer.
        """
        labels = torch.cat([sample.gt_sem_seg.data for sample in data_samples])
        predictions = self.decoder(self.extract_feat(inputs))

        def at_labels() -> Iterator[tuple[Tensor, Tensor]]:  # one layer at a time: masks of pixels are large
            for classes, masks in predictions:
                masks = self._masks_of_pixels(masks.float(), inputs)
                if masks.shape[2:] != labels.shape[1:]:
                    masks = F.interpolate(masks, size=labels.shape[1:], mode="bilinear", align_corners=False)
                yield classes.float(), masks

        return self.criterion(at_labels(), labels, self.ignore_index)
