"""What transformers has of Mask2Former, as one module. The only file that imports transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoder,
    Mask2FormerPreTrainedModel,
    Mask2FormerTransformerModule,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import Mask2FormerConfig


class Mask2FormerDecoder(Mask2FormerPreTrainedModel):
    """Pixel decoder, transformer decoder and classifier of queries, drawn anew.

    Args:
        config: transformers' config; its backbone is left aside.
        in_channels: Channels of the backbone's maps, from fine to coarse.
    """

    def __init__(self, config: Mask2FormerConfig, in_channels: Sequence[int]) -> None:
        super().__init__(config)
        self.pixel_decoder = Mask2FormerPixelDecoder(config, list(in_channels))
        self.transformer = Mask2FormerTransformerModule(config.feature_size, config)
        self.class_predictor = nn.Linear(config.hidden_dim, len(config.id2label or {}) + 1)
        self.post_init()

    @classmethod
    def is_custom_code(cls) -> bool:
        """Have every layer drawn as in transformers' own models: in foreign ones it skips what sets layers apart."""
        return False

    def forward(self, maps: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Predict from the backbone's maps.

        Args:
            maps: Four maps (B, d, h, w), from fine to coarse.

        Returns:
            For the queries as learned and after every layer: class logits (B, Q, K + 1), the last of them no object's,
            and mask logits (B, Q, h, w) at the first map's size.
        """
        features = self.pixel_decoder(maps)
        decoded = self.transformer(features.multi_scale_features, features.mask_features)
        classes = [self.class_predictor(queries.transpose(0, 1)) for queries in decoded.intermediate_hidden_states]
        return list(zip(classes, decoded.masks_queries_logits, strict=True))
