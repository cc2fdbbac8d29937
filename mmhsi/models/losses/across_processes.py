"""Sums over all processes for losses, such that the mean of the processes' gradients is that of the whole batch.

DDP averages gradients over the processes. A loss that divides by a count of its own batch, such as labelled pixels,
would weigh the samples of a rank with few of them more. In a single process nothing changes.
"""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


def reduce_mean(count: Tensor, least: float = 1.0) -> Tensor:
    """What to divide a sum over a process's own samples by: the count of all samples over the number of processes.

    Args:
        count: This process's count or sum of weights, a scalar without gradient.
        least: What the count of all samples is raised to, so that none can be divided by. Default 1.

    Returns:
        Scalar; the mean of sums divided by it is the mean over all samples.
    """
    world = get_world_size()
    if world == 1:
        return count.clamp(min=least)
    total = count.detach().to(torch.promote_types(count.dtype, torch.float32), copy=True)
    all_reduce(total)
    return total.clamp(min=least) / world


def sum_over_processes(value: Tensor) -> Tensor:
    """Sum of all processes' values, for losses that are no sums over samples.

    The gradient is that of this process's value times the number of processes, which DDP's mean takes off again.

    Args:
        value: This process's, of any shape.
    """
    world = get_world_size()
    if world == 1:
        return value
    total = value.detach().clone()
    all_reduce(total)
    return total + world * (value - value.detach())


def counted_mean(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of ``values`` where ``weight`` is, over all processes; 0 where it nowhere is.

    Args:
        values: Of any shape, (B, ...).
        weight: 0 to 1 or bool, of a shape that fits it, (B, ...). Default None: all count.

    Returns:
        Scalar.
    """
    if weight is None:
        return values.mean()
    return (values * weight).sum() / reduce_mean(weight.expand_as(values).sum())
