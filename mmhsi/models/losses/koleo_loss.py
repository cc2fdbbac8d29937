"""Spreads features over the sphere (Sablayrolles et al. 2019; DINOv2, Oquab et al. 2024)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def koleo_loss(features: Tensor, eps: float = 1e-3) -> Tensor:
    """Kozachenko-Leonenko regulariser: −mean log of the distance to the nearest other sample, on the unit sphere.

    Here the distance is √(‖x − y‖² + eps²). At the distances that occur this changes nothing (at 0.1 by 5e-5), while
    duplicates have a gradient of 0 and no sample one beyond 1 / (2 · eps); with −log(‖x − y‖ + 1e-8), DINOv2's, it
    grows to 1e8. Neighbours are sought among the process's own samples, as DINOv2 does: nothing is gathered under DDP.

    Args:
        features: Shape (B, d), of different images. With fewer than 2 the loss is 0.
        eps: Distance below which samples count as duplicates.

    Returns:
        float32 scalar.
    """
    with torch.autocast(features.device.type, enabled=False):
        if len(features) < 2:
            return 0.0 * features.float().sum()  # still a part of the graph, as DDP wants it
        x = F.normalize(features.float(), dim=-1)
        with torch.no_grad():
            nearest = (x @ x.T).fill_diagonal_(-2).argmax(dim=1)
        return -0.5 * ((x - x[nearest]).square().sum(-1) + eps**2).log().mean()
