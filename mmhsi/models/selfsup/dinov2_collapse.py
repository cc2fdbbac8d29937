"""What shows that self-distillation collapses: features that no longer depend on the image.

All are cheap and wait for no device. They are of the process's own samples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 512
"""Tokens that measures are taken from, evenly spread over those given."""


def entropy(assignments: Tensor) -> Tensor:
    """Mean entropy of assignments (n, K) over log K: 1 if all prototypes are equal, 0 if a token has one alone.

    Args:
        assignments: Shape (n, K), rows that add up to 1.
    """
    return -torch.xlogy(assignments, assignments).sum(-1).mean() / math.log(max(assignments.shape[-1], 2))


def information(assignments: Tensor) -> Tensor:
    """How far assignments tell tokens apart: entropy of the mean assignment less the mean entropy, over log min(n, K).

    1 if every token has prototypes of its own; 0 if all tokens are assigned alike, be it to one prototype or to all.
    The entropy alone cannot show that: Sinkhorn-Knopp keeps that of the mean at log K whatever the features are.

    Args:
        assignments: Shape (n, K), rows sum to 1.
    """
    mean = assignments.mean(0)
    gain = torch.xlogy(assignments, assignments).sum(-1).mean() - torch.xlogy(mean, mean).sum()
    return gain / math.log(max(min(assignments.shape), 2))


def feature_std(features: Tensor) -> Tensor:
    """Standard deviation of features (n, d) on the unit sphere, √Σ var: 1 if they are spread evenly, 0 if all equal.

    Args:
        features: Shape (n, d).
    """
    return F.normalize(features, dim=-1).var(dim=0, correction=0).sum().sqrt()


def effective_rank(features: Tensor) -> Tensor:
    """Dimensions that features (n, d) use: (Σ λ)² / Σ λ² of the eigenvalues λ of their covariance; 0 without spread.

    The participation ratio, as it needs products alone: an eigendecomposition would make the host wait.

    Args:
        features: Shape (n, d).
    """
    centred = features - features.mean(0)
    n, d = centred.shape
    products = centred @ centred.T if n < d else centred.T @ centred
    return products.trace().square() / products.square().sum().clamp(min=torch.finfo(products.dtype).tiny)


@torch.no_grad()
def collapse_measures(features: Tensor, assignments: Tensor, prefix: str) -> dict[str, Tensor]:
    """All measures of the teacher's features (n, d) and of their assignments (n, K), by name.

    Args:
        features: Shape (n, d).
        assignments: Shape (n, K).
        prefix: What the names begin with.
    """
    step = -(-len(features) // SAMPLES)
    features, assignments = features[::step], assignments[::step]
    with torch.autocast(features.device.type, enabled=False):
        features = features.float()
        return {
            f"{prefix}entropy": entropy(assignments),
            f"{prefix}information": information(assignments),
            f"{prefix}feature_std": feature_std(features),
            f"{prefix}effective_rank": effective_rank(features),
        }
