"""Which classes occur in a tile: several at once, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mmhsi.registry import MODELS

from .classifiers import PixelClassifier

if TYPE_CHECKING:
    from torch import Tensor


def presence(labels: Tensor, num_classes: int) -> Tensor:
    """Which classes occur among labels: bool, shape (K,).

    Args:
        labels: Class indices, of any shape; what lies outside of 0 to K − 1, such as 255, is no label.
        num_classes: K.
    """
    known = labels[(labels >= 0) & (labels < num_classes)]
    return torch.bincount(known, minlength=num_classes) > 0


@MODELS.register_module()
class PresenceClassifier(PixelClassifier):
    """A :class:`PixelClassifier` of whole tiles, which scores every class for itself; arguments as there.

    The truth is taken from the tiles' label maps (``gt_sem_seg``): a class is there if one pixel has it. ``head`` is
    one of several labels, e.g. mmpretrain's ``MultiLabelLinearClsHead`` with ``mmpretrain.CrossEntropyLoss`` of
    ``use_sigmoid=True``.
    """

    def forward(
        self, inputs: Tensor, data_samples: list | None = None, mode: str = "tensor"
    ) -> Tensor | tuple[Tensor, ...] | dict[str, Tensor] | list:
        """One of mmengine's three passes; arguments and errors as for :meth:`PixelClassifier.forward`."""
        if mode == "loss":
            for sample in data_samples or []:
                sample.set_field(presence(sample.gt_sem_seg.data, self.head.num_classes), "gt_score")
        return super().forward(inputs, data_samples, mode)

    def scored(self, outputs: Tensor) -> Tensor:
        """What is averaged over the symmetries and handed on: the sigmoid.

        The arguments are as for :meth:`PixelClassifier.scored`.

        Returns:
            Scores of the classes, float32, same shape.
        """
        return outputs.float().sigmoid()

    def with_scores(self, samples: list, scores: Tensor) -> list:
        """Samples with ``pred_score`` (K,) set.

        Args:
            samples: mmseg's, B of them.
            scores: Shape (B, K).
        """
        for sample, score in zip(samples, scores, strict=True):
            sample.set_field(score, "pred_score")
        return samples
