"""Self-distillation between the views of an image (DINO, Caron et al. 2021; DINOv2, Oquab et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor


def dino_loss(
    global_scores: Tensor, local_scores: Tensor | None, targets: Tensor, temperature: float
) -> tuple[Tensor, Tensor | None]:
    """Cross-entropy of every pair of a teacher's global view and another view of the student.

    Each pair is averaged over the images; both terms are divided by the number of pairs, 2 + 2 · n with n local views,
    as DINOv2 does. The teacher's assignments sum to 1, so that the sum over its views can be taken before the product.

    Args:
        global_scores: The student's prototype scores of the 2 global views, shape (2, B, K).
        local_scores: Those of the n local views, shape (n, B, K); None for none.
        targets: The teacher's assignments of the 2 global views, shape (2, B, K), float32.
        temperature: The student's.

    Returns:
        Term of the two pairs of different global views, and that of the local ones or None; float32 scalars.
    """
    pairs = 2 if local_scores is None else 2 + 2 * len(local_scores)

    def term(scores: Tensor, target: Tensor) -> Tensor:
        log_shares = torch.log_softmax(scores.float() / temperature, dim=-1)
        return -(target * log_shares).sum(-1).mean(1).sum() / pairs

    local_term = None if local_scores is None else term(local_scores, targets.sum(0))
    return term(global_scores, targets.flip(0)), local_term
