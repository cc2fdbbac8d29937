"""Classification of the centre pixel of a window."""

from __future__ import annotations

import torch
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.models.necks import GlobalAveragePooling
from torch import Tensor, nn

from mmhsi.registry import MODELS

from .freezing import FreezableBackbone
from .necks import CenterContext, LearnableAggregation
from .preprocessors import dihedral, symmetries

FEATURES_PER_CHANNEL: dict[type, int] = {CenterContext: 2, LearnableAggregation: 1, GlobalAveragePooling: 1}
"""What necks make of every channel of the last map."""


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
    factor = FEATURES_PER_CHANNEL.get(type(neck))
    return channels * factor if isinstance(channels, int) and factor is not None else None


@MODELS.register_module()
class PixelClassifier(FreezableBackbone, ImageClassifier):
    """mmpretrain's classifier, which can average its scores over the symmetries of a window.

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
        # Built here, because mmpretrain would add options of its own preprocessor to the config.
        preprocessor = None if data_preprocessor is None else MODELS.build(data_preprocessor)
        super().__init__(backbone, neck=neck, data_preprocessor=preprocessor, init_cfg=init_cfg)
        if head is not None:
            width = feature_width(self.backbone, self.neck) if self.with_neck else None
            self.head = MODELS.build(head, default_args=None if width is None else dict(in_channels=width))
            self.head.register_forward_hook(in_float32)
        self.tta = tta
        if frozen:
            self.freeze_backbone()

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
