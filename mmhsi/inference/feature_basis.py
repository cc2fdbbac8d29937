"""Fewer features: their principal components, from a sample of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FeatureBasis:
    """Principal components of features.

    Attributes:
        mean: (d,).
        axes: Components (k, d), of length 1 and by falling variance; the greatest entry of each is positive.
        kept: Share of the sample's variance that they hold, 0 to 1.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    kept: float

    @classmethod
    def fit(cls, sample: NDArray, count: int) -> FeatureBasis:
        """Find the components.

        Args:
            sample: Features (n, d) of some pixels, all finite.
            count: Components k, at most d.

        Raises:
            ConfigError: k is not from 1 to d.
            DataError: There are fewer pixels than components.
        """
        if not 1 <= count <= sample.shape[1]:
            raise ConfigError(f"{count} components are asked for, expected 1 to the {sample.shape[1]} features")
        if len(sample) < count:
            raise DataError(f"{len(sample)} pixels hold data, too few for {count} components")
        mean = sample.mean(axis=0, dtype=np.float64)
        centred = sample - mean
        values, vectors = np.linalg.eigh(centred.T @ centred)
        axes = vectors[:, ::-1][:, :count].T
        axes = axes * np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]
        total = values.clip(0).sum()
        kept = float(values[::-1][:count].clip(0).sum() / total) if total else 1.0
        return cls(mean.astype(np.float32), axes.astype(np.float32), kept)

    def __call__(self, features: NDArray) -> NDArray[np.float32]:
        """Components of features: (…, d) to (…, k), NaN where they are.

        Args:
            features: Shape (…, d).
        """
        found: NDArray[np.float32] = (features - self.mean) @ self.axes.T
        return found
