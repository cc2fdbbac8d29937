"""Set prediction by matched masks that leaves unlabelled pixels out (Cheng et al. 2022, §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import scipy
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .across_processes import reduce_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


def pairwise_entropy(masks: Tensor, targets: Tensor) -> Tensor:
    """Sigmoid cross-entropy of every pair, averaged over the P pixels.

    Args:
        masks: Mask logits, shape (Q, P).
        targets: Masks of 0 and 1, shape (T, P).

    Returns:
        Shape (Q, T).
    """
    return (F.softplus(masks).sum(1, keepdim=True) - masks @ targets.T) / masks.shape[1]


def pairwise_dice(masks: Tensor, targets: Tensor) -> Tensor:
    """1 less the dice coefficient of every pair, 1 added above and below; see :func:`pairwise_entropy`.

    Args:
        masks: Mask logits, shape (Q, P).
        targets: Masks of 0 and 1, shape (T, P).

    Returns:
        Shape (Q, T).
    """
    shares = masks.sigmoid()
    total = shares.sum(1, keepdim=True) + targets.sum(1)
    return 1 - (2 * shares @ targets.T + 1) / (total + 1)


@MODELS.register_module()
class Mask2FormerLoss(nn.Module):
    """Class, mask and dice terms of queries that are matched one to one to an image's classes, over all layers.

    The stock loss takes unlabelled pixels for the background of every mask and samples points anywhere. Here matching
    and masks know the labelled pixels alone, all of them; an image without any has no say in the classes either, and a
    batch without any costs 0. Queries that no class is matched to learn to be no object, also where a class may lie
    hidden in unlabelled pixels.

    The mask terms are divided by the number of matched masks of the batch, the class term by the sum of its weights, as
    in the stock loss, both averaged over processes.

    Args:
        class_weight: Factor of the class term, and of its cost in matching. Default 2.
        mask_weight: Of the masks' sigmoid cross-entropy. Default 5.
        dice_weight: Of the masks' dice term. Default 5.
        no_object_weight: Weight of no object among the classes. Default 0.1.

    Raises:
        ConfigError: If a weight is negative.
    """

    def __init__(
        self,
        class_weight: float = 2.0,
        mask_weight: float = 5.0,
        dice_weight: float = 5.0,
        no_object_weight: float = 0.1,
    ) -> None:
        super().__init__()
        if min(class_weight, mask_weight, dice_weight, no_object_weight) < 0:
            raise ConfigError("Mask2FormerLoss: weights must not be negative")
        self.class_weight, self.mask_weight, self.dice_weight = class_weight, mask_weight, dice_weight
        self.no_object_weight = no_object_weight

    @torch.no_grad()
    def match(self, class_logits: Tensor, masks: Tensor, classes: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Match the classes of an image to queries at the least cost.

        Args:
            class_logits: Shape (Q, K + 1).
            masks: Mask logits of the labelled pixels, shape (Q, P).
            classes: Classes that occur, shape (T,).
            targets: Their masks, shape (T, P).

        Returns:
            Queries and, for each, the index of its class; shape (min(Q, T),) both.
        """
        cost = (
            -self.class_weight * class_logits.softmax(-1)[:, classes]
            + self.mask_weight * pairwise_entropy(masks, targets)
            + self.dice_weight * pairwise_dice(masks, targets)
        )
        # A model that has diverged shall show as such in its loss, not as an error of the matching.
        queries, matched = scipy.optimize.linear_sum_assignment(cost.nan_to_num().cpu())
        return torch.as_tensor(queries, device=masks.device), torch.as_tensor(matched, device=masks.device)

    def forward(
        self, predictions: Iterable[tuple[Tensor, Tensor]], labels: Tensor, ignore_index: int = 255
    ) -> dict[str, Tensor]:
        """Add up the terms of all layers, each matched for itself.

        Args:
            predictions: For every layer class logits (B, Q, K + 1), the last no object's, and mask logits (B, Q, H, W).
            labels: Classes, shape (B, H, W), int64.
            ignore_index: Label of unlabelled pixels. Default 255.

        Returns:
            ``loss_class``, ``loss_mask`` and ``loss_dice``, scalars, computed in float32.
        """
        labelled = labels != ignore_index
        classes = [image[chosen].unique() for image, chosen in zip(labels, labelled, strict=True)]
        targets = [
            (image[chosen] == present[:, None]).float()
            for image, chosen, present in zip(labels, labelled, classes, strict=True)
        ]
        num_masks = labels.new_tensor(sum(map(len, classes)), dtype=torch.float32)
        num_masks = reduce_mean(num_masks)
        with torch.autocast(labels.device.type, enabled=False):  # sums over pixels exceed what half precision holds
            terms = [
                self._layer(class_logits.float(), masks.float(), labelled, classes, targets, num_masks)
                for class_logits, masks in predictions
            ]
        totals = [sum(parts[1:], parts[0]) for parts in zip(*terms, strict=True)]
        return dict(zip(("loss_class", "loss_mask", "loss_dice"), totals, strict=True))

    def _layer(
        self,
        class_logits: Tensor,
        masks: Tensor,
        labelled: Tensor,
        classes: list[Tensor],
        targets: list[Tensor],
        num_masks: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        no_object = class_logits.shape[-1] - 1
        wanted = labelled.new_full(class_logits.shape[:2], no_object, dtype=torch.int64)
        entropy = dice = masks[:0].sum()  # 0, and a part of the graph
        for i, (present, target) in enumerate(zip(classes, targets, strict=True)):
            if not len(present):
                continue
            pixels = masks[i][:, labelled[i]]  # (Q, P)
            queries, matched = self.match(class_logits[i], pixels, present, target)
            wanted[i, queries] = present[matched]
            chosen, aim = pixels[queries], target[matched]
            entropy = entropy + F.binary_cross_entropy_with_logits(chosen, aim, reduction="none").mean(1).sum()
            shares = chosen.sigmoid()
            dice = dice + (1 - (2 * (shares * aim).sum(1) + 1) / (shares.sum(1) + aim.sum(1) + 1)).sum()
        weight = torch.where(wanted == no_object, self.no_object_weight, 1.0) * labelled.flatten(1).any(1)[:, None]
        surprise = F.cross_entropy(class_logits.transpose(1, 2), wanted, reduction="none")
        entropy_of_classes = (weight * surprise).sum() / reduce_mean(weight.sum(), torch.finfo(weight.dtype).tiny)
        return (
            self.class_weight * entropy_of_classes,
            self.mask_weight * entropy / num_masks,
            self.dice_weight * dice / num_masks,
        )
