"""Losses of values that leave unknown ones out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .across_processes import reduce_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


class ValueLoss(nn.Module):
    """Base: a cost for every value, averaged over those that are known; a batch without any costs 0.

    Args:
        loss_weight: Factor. Default 1.

    Attributes:
        outputs: Numbers that a head gives for a target.
    """

    outputs = 1

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Mean cost of the known values, over all processes.

        Args:
            outputs: Of the head, (B, T · :attr:`outputs`): the T values, then what else there is of each.
            truth: Scaled values, (B, T), NaN where unknown.

        Returns:
            Scalar.
        """
        known = truth.isfinite()
        parts = outputs.float().chunk(self.outputs, dim=1)
        cost = torch.where(known, self.cost(parts, truth.nan_to_num()), 0)
        # Every process divides by the mean number of known values, as one process with all samples would.
        number = reduce_mean(known.sum().float())
        return self.loss_weight * cost.sum() / number

    def cost(self, parts: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Cost of each value.

        Args:
            parts: What the head gives, :attr:`outputs` tensors (B, T), values first.
            truth: (B, T); 0 where unknown.

        Returns:
            Shape (B, T).
        """
        raise NotImplementedError


@MODELS.register_module()
class AbsoluteErrorLoss(ValueLoss):
    """Mean absolute error (L1): the median is best, single wrong labels weigh little.

    Args:
        loss_weight: Factor. Default 1.
    """

    def cost(self, parts: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Absolute error; arguments as for :meth:`ValueLoss.cost`."""
        return (parts[0] - truth).abs()


@MODELS.register_module()
class SquaredErrorLoss(ValueLoss):
    """Mean squared error (L2): the mean is best.

    Args:
        loss_weight: Factor. Default 1.
    """

    def cost(self, parts: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Squared error; arguments as for :meth:`ValueLoss.cost`."""
        return (parts[0] - truth).square()


@MODELS.register_module()
class HuberLoss(ValueLoss):
    """Half the squared error up to ``delta``, linear beyond (P. J. Huber, Annals of Mathematical Statistics 35, 1964).

    Args:
        delta: Where it turns, in standard deviations of the target. Default 1.
        loss_weight: Factor. Default 1.

    Raises:
        ConfigError: If ``delta`` is not positive.
    """

    def __init__(self, delta: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        if not delta > 0:
            raise ConfigError(f"HuberLoss: delta={delta} given, expected more than 0")
        self.delta = delta

    def cost(self, parts: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Huber's; arguments as for :meth:`ValueLoss.cost`."""
        error = (parts[0] - truth).abs()
        return torch.where(error <= self.delta, error.square() / 2, self.delta * (error - self.delta / 2))


@MODELS.register_module()
class GaussianNLLLoss(ValueLoss):
    """Negative log-likelihood of a normal distribution whose mean and variance the head both gives.

    The head's second number of each target is the logarithm of the variance; predictions then come with a standard
    deviation, maps with ``--uncertainty`` (D. A. Nix, A. S. Weigend, ICNN 1994).

    Args:
        floor: Least variance, in squares of the target's standard deviation. Default 1e-4.
        loss_weight: Factor. Default 1.

    Raises:
        ConfigError: If ``floor`` is not positive.
    """

    outputs = 2

    def __init__(self, floor: float = 1e-4, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        if not floor > 0:
            raise ConfigError(f"GaussianNLLLoss: floor={floor} given, expected more than 0")
        self.floor = floor

    def cost(self, parts: Sequence[Tensor], truth: Tensor) -> Tensor:
        """Half of ln 2πσ² + (y − μ)² / σ²; arguments as for :meth:`ValueLoss.cost`."""
        variance = self.variance(parts[1])
        return ((2 * math.pi * variance).log() + (parts[0] - truth).square() / variance) / 2

    def variance(self, second: Tensor) -> Tensor:
        """Variance that a head's second numbers stand for.

        Args:
            second: Logarithms, any shape.
        """
        return second.exp() + self.floor
