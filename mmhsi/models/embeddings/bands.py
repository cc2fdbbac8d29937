"""What is known of bands by their centres alone: their share of the spectrum, and codes of the centres."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

PERIODS = (100.0, 6400.0)
"""Shortest and longest period of :func:`wavelength_code` in nm: centres a few nm apart have nearly the same code."""


def kept_like(make: Callable[..., tuple[Tensor, ...]], *arguments: Hashable, like: Tensor) -> tuple[Tensor, ...]:
    """What depends on band centres and on no weight, as a network takes it: made once, not in every step.

    Args:
        make: Makes it.
        *arguments: What of.
        like: A weight, on whose device it is needed, and in whose dtype where it is no whole numbers.

    Returns:
        The tensors of ``make``, of any shapes; they must not be changed.
    """
    if torch.compiler.is_dynamo_compiling():  # its graph holds no tensor from before, a program of torch.export does
        return tuple(_as(tensor, like.device, like.dtype) for tensor in make(*arguments))
    return _kept(make, arguments, like.device, like.dtype)


@lru_cache(maxsize=128)
def _kept(
    make: Callable[..., tuple[Tensor, ...]], arguments: tuple, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    # In training they are kept for the backward pass, and a caller's default device is none of theirs.
    with torch.inference_mode(False), torch.no_grad(), torch.device("cpu"):
        return tuple(_as(tensor, device, dtype) for tensor in make(*arguments))


def _as(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    return tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)


def band_shares(wavelengths: Sequence[float]) -> Tensor:
    """Share of the spectrum that every band stands for: the reach to the middle between it and its neighbours.

    At the ends of the spectrum a band reaches as far out as in. Bands of equal centre divide what one would have, so
    that a sum over bands weighted by these shares approximates the same integral for every sensor.

    Args:
        wavelengths: Band centres in nm, in any order, C of them.

    Returns:
        Tensor of shape (C,), float32, positive, of sum 1.
    """
    centres, place, counts = torch.tensor(wavelengths, dtype=torch.float64).unique(
        return_inverse=True, return_counts=True
    )
    if len(centres) == 1:
        return torch.full((len(wavelengths),), 1 / len(wavelengths))
    steps = centres.diff()
    reach = (torch.cat([steps[:1], steps]) + torch.cat([steps, steps[-1:]])) / 2
    return ((reach / counts)[place] / reach.sum()).float()


def wavelength_code(wavelengths: Sequence[float], channels: int, like: Tensor) -> Tensor:
    """Sines and cosines of band centres, of periods from 100 to 6400 nm, so that near centres have near codes.

    Args:
        wavelengths: In nm, C of them.
        channels: An even number.
        like: A weight, on whose device and in whose dtype they are needed.

    Returns:
        Tensor of shape (C, channels) that must not be changed: the same one for the same arguments.
    """
    return kept_like(_code, tuple(wavelengths), channels, like=like)[0]


def _code(wavelengths: Sequence[float], channels: int) -> tuple[Tensor]:
    return (waves(wavelengths, channels),)


def waves(wavelengths: Sequence[float], channels: int) -> Tensor:
    """:func:`wavelength_code` made anew, float32, on the CPU.

    Args:
        wavelengths: In nm, C of them.
        channels: An even number.
    """
    low, high = (math.log(period) for period in PERIODS)
    periods = torch.linspace(low, high, channels // 2, dtype=torch.float64).exp()
    angle = 2 * torch.pi * torch.tensor(wavelengths, dtype=torch.float64)[:, None] / periods
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()
