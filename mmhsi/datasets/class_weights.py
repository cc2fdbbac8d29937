"""Weights of classes in a loss, from how many labelled pixels they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable

Counts = npt.NDArray[np.integer]
Weights = npt.NDArray[np.float64]


def _effective(counts: Weights) -> Weights:
    # Of n pixels as many as (1 − β^n) / (1 − β) tell something new; −expm1 keeps small differences from 1 exact.
    return 1 / -np.expm1(counts * np.log(0.9999))


METHODS: dict[str, Callable[[Weights], Weights]] = {
    "inverse": lambda counts: 1 / counts,
    "sqrt": lambda counts: 1 / np.sqrt(counts),
    "median": lambda counts: np.median(counts) / counts,
    "effective": _effective,
}


def class_weights(counts: Counts, method: str = "inverse") -> Weights:
    """Weigh rare classes up.

    Args:
        counts: Labelled pixels n of every class, shape (K,).
        method: ``'inverse'``: 1 / n; ``'sqrt'``: 1 / √n; ``'median'``: median of n / n (Eigen and Fergus 2015);
            ``'effective'``: (1 − β) / (1 − β^n), β = 0.9999 (Cui et al. 2019, eq. 2). Default ``'inverse'``.

    Returns:
        Weights, shape (K,), except for ``'median'`` scaled to mean 1 over the classes that occur; a class without
        pixels has 0.

    Raises:
        ConfigError: If the method is unknown.
        DataError: If no class has a pixel.
    """
    if method not in METHODS:
        raise ConfigError(f"class_weights: method={method!r} is unknown, expected one of {', '.join(METHODS)}")
    occurs = counts > 0
    if not occurs.any():
        raise DataError("class_weights: no class has a labelled pixel")
    weights = np.zeros(len(counts))
    weights[occurs] = METHODS[method](counts[occurs].astype(np.float64))
    return weights if method == "median" else weights / weights[occurs].mean()
