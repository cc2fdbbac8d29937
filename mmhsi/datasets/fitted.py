"""What fits of transforms have in common: moments of vectors, principal axes, and the arrays that a fit leaves."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

Fitted = TypeVar("Fitted", bound="FittedArrays")

ROUNDING = 1e-9
"""Deviation, as a share of the mean, up to which values are one value: float64 sums of a constant leave as much."""


def true_spread(std: ArrayLike, mean: ArrayLike) -> NDArray[np.float64]:
    """Standard deviations of bands; 0 where they are no more than the rounding of a constant.

    Args:
        std: As computed in float64, shape (C,) or ().
        mean: Likewise.
    """
    return np.where(np.asarray(std) > ROUNDING * np.abs(mean), std, 0.0)


def divisors(std: ArrayLike, mean: ArrayLike) -> NDArray[np.float64]:
    """Standard deviations to divide bands by; 1 where they are constant.

    Args:
        std: As for :func:`true_spread`.
        mean: Likewise.
    """
    spread = true_spread(std, mean)
    return np.where(spread > 0, spread, 1.0)


class Moments:
    """Mean and scatter matrix of vectors, merged part by part in float64 (Chan et al. 1979).

    Attributes:
        count: Vectors so far, n.
        mean: Their mean, (C,); (0,) before the first.
        scatter: Sum of the outer products of what differs from the mean, (C, C).
    """

    def __init__(self) -> None:
        self.count, self.mean, self.scatter = 0, np.zeros(0), np.zeros((0, 0))

    def update(self, values: NDArray[np.float64]) -> None:
        """Take vectors in.

        Args:
            values: Shape (n, C), finite.
        """
        if not len(values):
            return
        mean = values.mean(axis=0)
        centred = values - mean
        scatter = centred.T @ centred
        if not self.count:
            self.count, self.mean, self.scatter = len(values), mean, scatter
            return
        delta, total = mean - self.mean, self.count + len(values)
        self.scatter = self.scatter + scatter + np.outer(delta, delta) * (self.count * len(values) / total)
        self.mean = self.mean + delta * (len(values) / total)
        self.count = total

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of n degrees of freedom, (C, C)."""
        return self.scatter / max(1, self.count)


def principal_axes(covariance: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axes of most variance; the largest entry of each is positive, so that no library's choice of sign shows.

    Args:
        covariance: Shape (C, C), symmetric.
        count: Axes k, at most C.

    Returns:
        Variances along all axes, most first, (C,), and the first k axes as columns, (C, k).
    """
    variances, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, ::-1][:, :count]
    largest = np.abs(axes).argmax(axis=0)
    return variances[::-1].clip(min=0), axes * np.sign(axes[largest, np.arange(axes.shape[1])])


@dataclass(frozen=True, eq=False)
class FittedArrays:
    """Base of the float64 arrays of a fit, which travel as a mapping of their names."""

    noun: ClassVar[str]

    @classmethod
    def of(cls: type[Fitted], arrays: Mapping[str, ArrayLike], owner: str) -> Fitted:
        """Make one of arrays under the names of the attributes.

        Args:
            arrays: Arrays or lists of numbers.
            owner: Where they come from, for messages.

        Raises:
            FileFormatError: If one is missing or holds no numbers, or their shapes contradict each other.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise FileFormatError(f"{owner}: not {cls.noun}, it has no array {missing[0]!r}")
        try:
            fit = cls(**{name: np.asarray(arrays[name], dtype=np.float64) for name in names})
        except (TypeError, ValueError) as error:
            raise FileFormatError(f"{owner}: not {cls.noun} ({error})") from error
        if not fit.is_consistent():
            raise FileFormatError(f"{owner}: not {cls.noun}, the shapes of its arrays contradict each other")
        return fit

    def is_consistent(self) -> bool:
        """Whether the arrays' shapes fit together."""
        raise NotImplementedError

    def lists(self) -> dict[str, list]:
        """The arrays as lists by name, as a checkpoint keeps them."""
        return {name: values.tolist() for name, values in vars(self).items()}
