"""Losses of classes by pixel that leave unlabelled pixels out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .across_processes import reduce_mean, sum_over_processes

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClassWeightedLoss(nn.Module):
    """What losses with a weight for every class have in common.

    Args:
        class_weight: K weights, e.g. of ``mmhsi class_weights``. Default: all 1.
        loss_weight: Factor. Default 1.
        loss_name: Key in the log; losses are summed up when it begins with ``loss``.

    Raises:
        ConfigError: If a weight is negative.
    """

    class_weight: Tensor | None

    def __init__(self, class_weight: Sequence[float] | None, loss_weight: float, loss_name: str) -> None:
        super().__init__()
        if class_weight is not None and not all(weight >= 0 for weight in class_weight):
            raise ConfigError(f"{type(self).__name__}: class_weight={list(class_weight)} must not be negative")
        self.register_buffer(
            "class_weight", None if class_weight is None else torch.tensor(class_weight), persistent=False
        )
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def weights(self, logits: Tensor) -> Tensor:
        """Weights of the K classes of logits (B, K, …), shape (K,).

        Args:
            logits: Shape (B, K, …).

        Raises:
            ConfigError: If there are not as many weights as classes.
        """
        if self.class_weight is None:
            return logits.new_ones(logits.shape[1], dtype=torch.float32)
        if len(self.class_weight) != logits.shape[1]:
            raise ConfigError(
                f"{type(self).__name__}: {len(self.class_weight)} class weights given, the head has "
                f"{logits.shape[1]} classes"
            )
        return self.class_weight.float()


@MODELS.register_module()
class CrossEntropyLoss(ClassWeightedLoss):
    """Cross-entropy, averaged over the labelled pixels; with class weights their weighted mean.

    mmseg's divides by unlabelled pixels too, and fails when told not to while classes have weights. A batch without
    labels costs 0.

    Args:
        class_weight: K weights, e.g. of ``mmhsi class_weights``. Default: all 1.
        label_smoothing: Share of the target that is spread over all classes. Default 0.
        loss_weight: Factor. Default 1.
        loss_name: Key in the log; losses are summed up when it begins with ``loss``.

    Raises:
        ConfigError: If a weight is negative or the smoothing lies outside 0 to 1.
    """

    def __init__(
        self,
        class_weight: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        loss_weight: float = 1.0,
        loss_name: str = "loss_ce",
    ) -> None:
        super().__init__(class_weight, loss_weight, loss_name)
        if not 0 <= label_smoothing <= 1:
            raise ConfigError(f"{type(self).__name__}: label_smoothing={label_smoothing} must lie in 0 to 1")
        self.label_smoothing = label_smoothing

    def pixel_loss(self, logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
        """Unweighted loss of every pixel: of logits (B, K, …) and labels (B, …), shape (B, …).

        Args:
            logits: Shape (B, K, …).
            labels: Shape (B, …).
            ignore_index: Label of pixels that do not count.
        """
        return F.cross_entropy(
            logits, labels, reduction="none", ignore_index=ignore_index, label_smoothing=self.label_smoothing
        )

    def forward(
        self, logits: Tensor, labels: Tensor, weight: Tensor | None = None, ignore_index: int = 255, **_: object
    ) -> Tensor:
        """Average over the labelled pixels, in float32.

        Args:
            logits: Shape (B, K, …).
            labels: Classes, shape (B, …), int64.
            weight: Factor of every pixel, as mmseg's samplers give, shape (B, …).
            ignore_index: Label of unlabelled pixels. Default 255.

        Returns:
            Scalar.

        Raises:
            ConfigError: If there are not as many weights as classes.
        """
        labelled = labels != ignore_index
        share = labelled * self.weights(logits)[labels.where(labelled, 0)]
        if weight is not None:
            share = share * weight
        loss = self.pixel_loss(logits.float(), labels, ignore_index)
        return self.loss_weight * (share * loss).sum() / reduce_mean(share.sum(), torch.finfo(share.dtype).tiny)


@MODELS.register_module()
class FocalLoss(CrossEntropyLoss):
    """Focal loss of softmax scores p (Lin et al. 2017, eq. 5): −(1 − p_y)^γ · log p_y of the true class y.

    mmseg's takes every class for a question of its own (sigmoid), and fails without compiled operations.

    Args:
        gamma: γ; 0 is cross-entropy. Default 2.
        class_weight: K weights, the paper's α. Default: all 1.
        loss_weight: Factor. Default 1.
        loss_name: Key in the log.

    Raises:
        ConfigError: If γ or a weight is negative.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_focal",
    ) -> None:
        if gamma < 0:
            raise ConfigError(f"FocalLoss: gamma={gamma} must not be negative")
        super().__init__(class_weight, loss_weight=loss_weight, loss_name=loss_name)
        self.gamma = gamma

    def pixel_loss(self, logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
        """Unweighted loss of every pixel: of logits (B, K, …) and labels (B, …), shape (B, …).

        The arguments are as for :meth:`CrossEntropyLoss.pixel_loss`.
        """
        entropy = super().pixel_loss(logits, labels, ignore_index)
        # 1 − p = −expm1(log p), exact also where p is nearly 1; γ below 1 has no finite slope at exactly 0.
        missing = -torch.expm1(-entropy)
        return missing.clamp(min=torch.finfo(missing.dtype).eps) ** self.gamma * entropy


@MODELS.register_module()
class DiceLoss(ClassWeightedLoss):
    """1 less the soft dice coefficient 2 Σ p·g / (Σ p² + Σ g²) of a class (Milletari et al. 2016, §3).

    p are softmax scores and g is 1 where the class is true; sums go over the labelled pixels of the batch of all
    processes, means over the classes that occur there, with class weights weighted ones. A batch without labels costs
    0. What mmseg's is given for unlabelled pixels changes it.

    Args:
        class_weight: K weights. Default: all 1.
        loss_weight: Factor. Default 1.
        loss_name: Key in the log.

    Raises:
        ConfigError: If a weight is negative.
    """

    def __init__(
        self, class_weight: Sequence[float] | None = None, loss_weight: float = 1.0, loss_name: str = "loss_dice"
    ) -> None:
        super().__init__(class_weight, loss_weight, loss_name)

    def forward(
        self, logits: Tensor, labels: Tensor, weight: Tensor | None = None, ignore_index: int = 255, **_: object
    ) -> Tensor:
        """Average over the classes, in float32; arguments and errors as of :class:`CrossEntropyLoss`."""
        labelled = labels != ignore_index
        share = torch.ones_like(labels, dtype=torch.float32) if weight is None else weight.float()
        share = share[labelled]  # (n,)
        scores = logits.float().movedim(1, -1)[labelled].softmax(-1)  # (n, K)
        truth = F.one_hot(labels[labelled], logits.shape[1]).float()
        tiny = torch.finfo(torch.float32).tiny
        with torch.autocast(logits.device.type, enabled=False):  # half precision cannot hold sums over pixels
            size = sum_over_processes(share @ truth)  # (K,)
            both = sum_over_processes(share @ (scores * truth))
            dice = 2 * both / (sum_over_processes(share @ scores.square()) + size).clamp(min=tiny)
        class_share = self.weights(logits) * (size > 0)
        return self.loss_weight * (class_share * (1 - dice)).sum() / class_share.sum().clamp(min=tiny)
