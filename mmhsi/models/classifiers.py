"""Classification of the centre pixel of a window."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhsi.registry import MODELS

from .freezing import FreezableBackbone
from .preprocessors import dihedral, symmetries
from .protocols import LayeredBackbone, check_protocol

FEATURES_PER_CHANNEL = {"CenterContext": 2, "LearnableAggregation": 1, "GlobalAveragePooling": 1}
"""What necks, by their classes' names, make of every channel of the last map."""


def in_float32(_: nn.Module, __: tuple, scores: Tensor) -> Tensor:
    """What a head gives, for its loss: mmpretrain's computes some, label smoothing's, in the scores' precision.

    Args:
        _: The head.
        __: Its arguments.
        scores: Shape (B, K).
    """
    return scores.float()


def feature_width(backbone: nn.Module, neck: nn.Module) -> int | None:
    """Channels that a neck gives a head; None where the backbone or the neck does not tell.

    Args:
        backbone: With ``out_channels``, the channels of its last map; of this package's, ``embed_dims`` does too.
        neck: The neck.
    """
    channels = getattr(backbone, "out_channels", None)
    if channels is None and type(backbone).__module__.startswith("mmhsi."):
        channels = getattr(backbone, "embed_dims", None)
    factor = FEATURES_PER_CHANNEL.get(type(neck).__name__)
    return channels * factor if isinstance(channels, int) and factor is not None else None


@MODELS.register_module()
class PixelClassifier(FreezableBackbone, BaseModel):
    """Backbone, neck and head, which can average their scores over the symmetries of a window.

    Parts are those of mmpretrain's ``ImageClassifier``, its heads and necks fit.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, e.g. mmpretrain's ``GlobalAveragePooling``.
        head: Config of the head, e.g. mmpretrain's ``LinearClsHead``; ``in_channels`` are those of
            :func:`feature_width`, where that is known and they are left out.
        tta: Whether prediction averages the softmax scores over the quarter turns and flips of the window (8 for
            square windows, 4 else), at that many times the cost. Default False.
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        data_preprocessor: Config of the preprocessor, e.g. :class:`mmhsi.models.ScenePreprocessor`.
        init_cfg: mmengine's initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        tta: bool = False,
        frozen: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = None if neck is None else MODELS.build(neck)
        self.head: Any = None
        if head is not None:
            width = None if self.neck is None else feature_width(self.backbone, self.neck)
            self.head = MODELS.build(head, default_args=None if width is None else dict(in_channels=width))
            self.head.register_forward_hook(in_float32)
        self.tta = tta
        if frozen:
            self.freeze_backbone()

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """What the head is given.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
        """
        features = self.backbone(inputs)
        return features if self.neck is None else self.neck(features)

    def forward(
        self, inputs: Tensor, data_samples: list | None = None, mode: str = "tensor"
    ) -> Tensor | tuple[Tensor, ...] | dict[str, Tensor] | list:
        """One of mmengine's three passes.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
            data_samples: mmpretrain's samples, one a window; for ``'tensor'`` not needed.
            mode: ``'tensor'`` for the head's scores (B, K), without a head its input; ``'loss'`` for losses by name;
                ``'predict'`` for the samples with their predictions. Default ``'tensor'``.

        Raises:
            RuntimeError: If the mode is another one.
        """
        if mode == "predict":
            return self.predict(inputs, data_samples or [])
        features = self.extract_feat(inputs)
        if mode == "tensor":
            return features if self.head is None else self.head(features)
        if mode == "loss" and self.head is not None:
            return self.head.loss(features, data_samples)
        raise RuntimeError(f"PixelClassifier: mode={mode!r} without a head or unknown")

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """Depth of a parameter's layer and of the deepest, for learning rates by layer.

        Args:
            param_name: Name of the parameter.

        Raises:
            ConfigError: If the backbone does not tell.
        """
        backbone = check_protocol("PixelClassifier: layer-wise learning rates", self.backbone, LayeredBackbone)
        return backbone.get_layer_depth(param_name, "backbone.")

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Class scores of windows.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).

        Returns:
            Softmax scores, shape (B, K).
        """
        elements = symmetries(*inputs.shape[2:]) if self.tta else (0,)
        scores = [self(dihedral(inputs, element), mode="tensor").float().softmax(dim=1) for element in elements]
        return torch.stack(scores).mean(dim=0)

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Predict a batch.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
            data_samples: mmpretrain's samples, one a window.

        Returns:
            The samples with ``pred_score`` (K,) and ``pred_label`` (1,) set.
        """
        scores = self.predict_scores(inputs)
        for sample, score, label in zip(data_samples, scores, scores.argmax(dim=1, keepdim=True), strict=True):
            sample.set_pred_score(score).set_pred_label(label)
        return data_samples
