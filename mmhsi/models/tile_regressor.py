"""Values of every pixel of a tile, by a backbone and a decode head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from torch import Tensor, nn
from torch.nn import functional as F

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .freezing import FreezableBackbone
from .heads.regression_head import RegressionHead

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class TileRegressor(FreezableBackbone, BaseModel):
    """A segmentor's backbone and decode head, whose logits are features of a head of values: one linear map a pixel.

    Args:
        backbone: Config of the backbone.
        decode_head: Config of a decode head of mmseg or this package; its ``num_classes`` is the number of features F.
        head: Config of a :class:`mmhsi.models.RegressionHead`; its ``in_channels`` is F.
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        lora: As for :class:`mmhsi.models.PixelClassifier`.
        data_preprocessor: Config of the preprocessor, :class:`mmhsi.models.TilePreprocessor`.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the head is another one.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        head: dict,
        frozen: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        lora: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decode_head: nn.Module = MODELS.build(decode_head)
        built = MODELS.build(head, default_args=dict(in_channels=decode_head.get("num_classes")))
        if not isinstance(built, RegressionHead):
            raise ConfigError(f"TileRegressor: head is {type(built).__name__}, expected a RegressionHead")
        self.head = built
        self.limit_backbone(frozen, lora)

    @property
    def num_outputs(self) -> int:
        """T, or 2 · T with standard deviations."""
        return self.head.num_outputs

    def features(self, inputs: Tensor) -> Tensor:
        """Features of all pixels, (B, H, W, F).

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
        """
        maps = self.decode_head(self.backbone(inputs))
        if maps.shape[2:] != inputs.shape[2:]:
            maps = F.interpolate(maps, inputs.shape[2:], mode="bilinear", align_corners=False)
        return maps.movedim(1, -1)

    def encode_decode(self, inputs: Tensor, batch_img_metas: Sequence[dict] = ()) -> Tensor:
        """Values of all pixels in their units, then standard deviations where the head learns them.

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
            batch_img_metas: Not used; part of mmseg's interface.

        Returns:
            float32, shape (B, :attr:`num_outputs`, H, W).
        """
        features = self.features(inputs)
        values = self.head.values(self.head((features.flatten(0, 2),)))
        return values.unflatten(0, features.shape[:3]).movedim(-1, 1)

    def forward(
        self, inputs: Tensor, data_samples: list | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list:
        """One of mmengine's three passes.

        Args:
            inputs: Normalised tiles, shape (B, C, H, W).
            data_samples: mmseg's samples, with ``gt_values`` (T, h, w), NaN where unknown, for ``'loss'``.
            mode: ``'tensor'`` for :meth:`encode_decode`; ``'loss'`` for losses by name; ``'predict'`` for the samples
                with ``pred_values`` (T, h, w), and ``pred_stds`` where the head learns them. Default ``'tensor'``.

        Raises:
            ConfigError: If the mode is another one.
        """
        if mode == "tensor":
            return self.encode_decode(inputs)
        if mode == "loss":
            height, width = inputs.shape[2:]
            maps = []
            for sample in data_samples or []:  # smaller tiles of a batch are padded
                known = sample.gt_values.data
                margins = (0, width - known.shape[2], 0, height - known.shape[1])
                maps.append(F.pad(known, margins, value=float("nan")))
            truth = torch.stack(maps).movedim(1, -1).flatten(0, 2)
            return {"loss": self.head.loss_of(self.features(inputs).flatten(0, 2), truth)}
        if mode == "predict":
            count = self.head.num_targets
            for sample, made in zip(data_samples or [], self.encode_decode(inputs), strict=True):
                height, width = sample.gt_values.data.shape[1:] if "gt_values" in sample else made.shape[1:]
                sample.pred_values = PixelData(data=made[:count, :height, :width])
                if len(made) > count:
                    sample.pred_stds = PixelData(data=made[count:, :height, :width])
            return data_samples or []
        raise ConfigError(f"TileRegressor: mode={mode!r} is not offered, expected 'loss', 'predict' or 'tensor'")
