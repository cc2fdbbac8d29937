"""Mean and standard deviation of every band, gathered part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from mmhsi.errors import DataError
from mmhsi.io.memory import let_go
from mmhsi.progress import watched

from .fitted import true_spread
from .samplers import SeededIndex, sample_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmhsi.io import HSICube


class BandStatistics:
    """Running mean and variance of bands over valid pixels, merged part by part (Chan et al. 1979)."""

    def __init__(self, num_bands: int) -> None:
        self.count = 0
        self.mean = np.zeros(num_bands)
        self._squares = np.zeros(num_bands)

    def update(self, values: np.ndarray) -> None:
        """Take pixels in.

        Args:
            values: Shape (n, C), any real dtype, valid pixels alone.
        """
        if not len(values):
            return
        mean = values.mean(axis=0, dtype=np.float64)
        squares = values.var(axis=0, dtype=np.float64) * len(values)
        total = self.count + len(values)
        delta = mean - self.mean
        self._squares += squares + delta**2 * (self.count * len(values) / total)
        self.mean = self.mean + delta * (len(values) / total)
        self.count = total

    @classmethod
    def side_by_side(cls, parts: Sequence[BandStatistics]) -> BandStatistics:
        """Statistics of the bands of several sensors, one sensor behind another; the pixels are counted together."""
        joined = cls(sum(len(part.mean) for part in parts))
        joined.count = sum(part.count for part in parts)
        joined.mean = np.concatenate([part.mean for part in parts])
        joined._squares = np.concatenate([part.std**2 for part in parts]) * joined.count
        return joined

    @property
    def std(self) -> np.ndarray:
        """Population standard deviation, shape (C,); 0 of a constant band, whatever its rounding.

        Raises:
            DataError: If values are so large that it overflows.
        """
        if not np.isfinite(self._squares).all():
            band = int(np.flatnonzero(~np.isfinite(self._squares))[0])
            raise DataError(f"band {band} (0-based) has values too large for a standard deviation; is nodata declared?")
        return true_spread(np.sqrt(self._squares / max(self.count, 1)), self.mean)


def cube_statistics(cube: np.ndarray, valid: np.ndarray) -> BandStatistics:
    """Mean and standard deviation over the valid pixels of an array, row by row.

    Args:
        cube: Shape (H, W, C), any real dtype.
        valid: Shape (H, W), bool.
    """
    statistics = BandStatistics(cube.shape[2])
    for row, mask in zip(cube, valid, strict=True):
        statistics.update(row[mask])
        let_go(cube)
    return statistics


def pipeline_statistics(prepare: Callable[[SeededIndex], dict], indices: Sequence[int]) -> BandStatistics | None:
    """Mean and standard deviation over the valid pixels of what a pipeline gives, in one view or several.

    Args:
        prepare: Gives the sample of an index: ``inputs`` (C, H, W) and ``valid`` (H, W), or lists of them.
        indices: Samples to take; each is seeded by its index.

    Returns:
        None if there are no samples.
    """
    statistics: BandStatistics | None = None
    for index in watched(indices, "measuring the bands"):
        sample = prepare(SeededIndex(index, sample_seed(index)))
        views, masks = sample["inputs"], sample["valid"]
        if isinstance(views, Tensor):
            views, masks = [views], [masks]
        for view, mask in zip(views, masks, strict=True):
            statistics = statistics or BandStatistics(len(view))
            statistics.update(view.numpy()[:, mask.numpy()].T)
    return statistics


def require_data(cube: HSICube) -> None:
    """Refuse a cube with a band that holds no data at all although it is not flagged bad.

    Args:
        cube: (H, W, C).

    Raises:
        DataError: Naming the file, the bands and what to do.
    """
    refuse_empty(cube.name, cube.empty_bands())


def refuse_empty(name: str, empty: Sequence[int]) -> None:
    """Refuse a cube with such bands.

    Args:
        name: Its file.
        empty: They, 0-based.

    Raises:
        DataError: There are some.
    """
    if empty:
        listed = ", ".join(str(band) for band in empty[:8]) + (" …" if len(empty) > 8 else "")
        raise DataError(
            f"{name}: {len(empty)} band(s) hold nothing but nodata or NaN (0-based: {listed}); leave them out "
            "with scene=dict(bad_bands=[…]) or flag them in the file (bbl)"
        )
