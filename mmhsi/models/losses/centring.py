"""From the teacher's prototype scores to assignments that use all prototypes, so that it cannot collapse."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmhsi.errors import ConfigError


class SinkhornCentring(nn.Module):
    """Sinkhorn-Knopp: rows sum to 1 and all prototypes have the same share (SwAV, Caron et al. 2020; DINOv2).

    exp(score / temperature) is scaled by prototypes and tokens in turn. The scales are kept apart from the matrix,
    which is read twice an iteration and written once. In float32 whatever the autocast; over the tokens of all
    processes.

    Args:
        iterations: Default 3.

    Raises:
        ConfigError: If ``iterations`` is below 1.
    """

    def __init__(self, iterations: int = 3) -> None:
        super().__init__()
        if iterations < 1:
            raise ConfigError(f"SinkhornCentring: iterations={iterations} given, expected at least 1")
        self.iterations = iterations

    @torch.no_grad()
    def forward(self, scores: Tensor, temperature: float, counts: Tensor | None = None) -> Tensor:
        """Assign tokens to prototypes.

        Args:
            scores: Prototype scores, shape (n, K).
            temperature: The teacher's.
            counts: 1 for tokens that count, 0 for those that do not, shape (n,); default: all do.

        Returns:
            float32 tensor of shape (n, K); rows sum to 1, to 0 where a token does not count.
        """
        with torch.autocast(scores.device.type, enabled=False):
            scores = scores.float() / temperature
            counts = scores.new_ones(len(scores)) if counts is None else counts.float()
            # Each row's highest share is 1, which cannot overflow or vanish; what was taken off is put into the tokens'
            # first scales, from one shift that all processes share, for a common factor cancels.
            rows = scores.amax(1)
            highest = rows.max() if len(rows) else rows.new_tensor(-torch.inf)  # a process may have no hidden token
            all_reduce(highest, "max")
            shares = (scores - rows[:, None]).exp_()
            tokens = counts * (rows - highest).exp()
            for _ in range(self.iterations):
                mass = tokens @ shares  # (K,)
                all_reduce(mass)
                # The mean keeps the scales where they are over the iterations; it cancels too.
                prototypes = mass.mean() / mass.clamp(min=1e-30)
                tokens = counts / (shares @ prototypes).clamp(min=1e-30)
            return shares.mul_(prototypes).mul_(tokens[:, None])


class SoftmaxCentring(nn.Module):
    """Softmax of scores less their running mean (DINO, Caron et al. 2021, eq. 4); the mean is over all processes.

    Args:
        num_prototypes: K.
        momentum: Share of the old mean that stays. Default 0.9.

    Raises:
        ConfigError: If ``momentum`` lies outside 0 to 1.
    """

    centre: Tensor

    def __init__(self, num_prototypes: int, momentum: float = 0.9) -> None:
        super().__init__()
        if not 0 <= momentum <= 1:
            raise ConfigError(f"SoftmaxCentring: momentum={momentum} given, expected 0 to 1")
        self.momentum = momentum
        self.register_buffer("centre", torch.zeros(num_prototypes))

    @torch.no_grad()
    def forward(self, scores: Tensor, temperature: float, counts: Tensor | None = None) -> Tensor:
        """Assign tokens to prototypes by the mean of the steps before, then move the mean; see SinkhornCentring.

        Args:
            scores: Prototype scores, shape (n, K).
            temperature: The teacher's.
            counts: 1 for tokens that count, else 0, shape (n,); default: all do.
        """
        with torch.autocast(scores.device.type, enabled=False):
            scores = scores.float()
            counts = scores.new_ones(len(scores)) if counts is None else counts.float()
            assignments = ((scores - self.centre) / temperature).softmax(-1).mul_(counts[:, None])
            if self.training:
                total = torch.cat([counts @ scores, counts.sum()[None]])
                all_reduce(total)
                self.centre.lerp_(total[:-1] / total[-1].clamp(min=1), 1 - self.momentum)
            return assignments
