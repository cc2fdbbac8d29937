"""Weights over one sensor's bands, carried over to another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence


def band_widths(wavelengths: np.ndarray) -> np.ndarray:
    """Stretch of the wavelength axis that each band stands for.

    Args:
        wavelengths: Distinct centres in nm, increasing, shape (C,).

    Returns:
        Half the distance between a band's neighbours, nm, shape (C,); at the ends the distance to the only one.
    """
    return np.gradient(wavelengths) if len(wavelengths) > 1 else np.ones(1)


def resample_band_weights(weight: Tensor, axis: int, source: Sequence[float], target: Sequence[float]) -> Tensor:
    """Interpolate weights along the wavelength axis.

    A weight is taken as a density over wavelength times the stretch that its band stands for, so that a response, the
    sum of weight times value over the bands, keeps its size when bands become denser. Between source bands the density
    is linear, beyond them it is that of the nearest. What is left of the difference between the sums of the weights is
    spread evenly over the target's wavelengths: the response to a constant spectrum is exactly that of the source.

    Args:
        weight: Weights of any shape with the source's C bands along ``axis``.
        axis: Axis of the bands.
        source: C centres in nm, in any order; bands of equal centre count as one.
        target: T centres in nm, in any order.

    Returns:
        Tensor with T bands along ``axis``, in the dtype of ``weight``; equal to ``weight`` where target equals source.

    Raises:
        ConfigError: If ``source`` does not give one centre for each band.
    """
    if weight.shape[axis] != len(source):
        raise ConfigError(f"source wavelengths: {len(source)} given, the checkpoint has {weight.shape[axis]} bands")
    if len(source) == len(target) and np.array_equal(source, target):
        return weight.clone()
    kernels = weight.detach().double().movedim(axis, 0).flatten(1).numpy()  # (C, …)
    centres, inverse = np.unique(np.asarray(source, dtype=np.float64), return_inverse=True)
    merged = np.zeros((len(centres), kernels.shape[1]))
    np.add.at(merged, inverse, kernels)
    density = merged / band_widths(centres)[:, None]

    wanted, back, times = np.unique(np.asarray(target, dtype=np.float64), return_inverse=True, return_counts=True)
    widths = band_widths(wanted)
    upper = np.searchsorted(centres, wanted).clip(min(1, len(centres) - 1), len(centres) - 1)
    lower = np.maximum(upper - 1, 0)
    distance = np.where(upper > lower, centres[upper] - centres[lower], 1.0)
    share = ((wanted - centres[lower]) / distance).clip(0, 1)[:, None]
    resampled = (density[lower] * (1 - share) + density[upper] * share) * widths[:, None]
    resampled += (kernels.sum(axis=0) - resampled.sum(axis=0)) * (widths / widths.sum())[:, None]
    bands = torch.from_numpy(resampled[back] / times[back, None])
    shape = weight.movedim(axis, 0).shape[1:]
    return bands.view(len(target), *shape).movedim(0, axis).to(weight.dtype).contiguous()


def interpolate_blocks(weight: Tensor, source: Sequence[float], target: Sequence[float]) -> Tensor:
    """Interpolate weights of spectral blocks between the blocks' centres.

    A block sees its own bands alone, normalised; its map is blended from those of its two neighbours, so that the sum
    of the shares is 1 and blocks of equal centre are averaged.

    Args:
        weight: One map a block, shape (G, …).
        source: G centres in nm, in any order.
        target: Centres in nm of the blocks wanted, in any order.

    Returns:
        Tensor of shape (len(target), …), in the dtype of ``weight``.

    Raises:
        ConfigError: If ``source`` does not give one centre for each block.
    """
    if len(weight) != len(source):
        raise ConfigError(f"source wavelengths: {len(source)} blocks, the checkpoint has {len(weight)}")
    centres, inverse, times = np.unique(np.asarray(source, dtype=np.float64), return_inverse=True, return_counts=True)
    shares = np.zeros((len(target), len(centres)))
    for index, nm in enumerate(np.eye(len(centres))):
        shares[:, index] = np.interp(target, centres, nm)
    mixed = torch.from_numpy(shares[:, inverse] / times[inverse]) @ weight.detach().double().flatten(1)
    return mixed.view(len(target), *weight.shape[1:]).to(weight.dtype)
