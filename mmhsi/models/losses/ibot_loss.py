"""Distillation of hidden tokens (iBOT, Zhou et al. 2022; dissertation eq. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor


def ibot_loss(scores: Tensor, targets: Tensor, weights: Tensor, images: int, temperature: float) -> Tensor:
    """Cross-entropy of hidden tokens: averaged over an image's, then over all images, those without a mask counted.

    Args:
        scores: The student's prototype scores of the hidden tokens of all images, shape (n, K).
        targets: The teacher's assignments of these tokens, shape (n, K), float32.
        weights: One over the number of hidden tokens of a token's image, shape (n,); 0 for tokens that do not count.
        images: Number of images B.
        temperature: The student's.

    Returns:
        float32 scalar.
    """
    log_shares = torch.log_softmax(scores.float() / temperature, dim=-1)
    return -((targets * log_shares).sum(-1) * weights).sum() / images
