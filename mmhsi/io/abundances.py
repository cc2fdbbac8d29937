"""Abundance maps as label maps: a pixel has the class whose abundance is the largest, if it is large enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.readers.derived import DerivedReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.selection import Window


class AbundanceLabels(DerivedReader):
    """The label map of abundances (H, W, K): 1 to K, and 0 where no abundance reaches the threshold or one is NaN.

    Of equal abundances the first counts.

    Args:
        abundances: Their reader.
        threshold: Least abundance that makes a label, above 0 and at most 1.

    Raises:
        ConfigError: The threshold is none.
        DataError: There is one band alone.
    """

    copies = 3

    def __init__(self, abundances: CubeReader, threshold: float) -> None:
        super().__init__(abundances.path, [abundances])
        if not 0 < threshold <= 1:
            raise ConfigError(f"label_threshold={threshold} given, expected an abundance above 0 and at most 1")
        if abundances.info.shape[2] < 2:
            raise DataError(f"{self.path}: has one band; abundances have one a class, and label_threshold is for them")
        self.abundances = abundances
        self.threshold = threshold

    def _describe(self) -> CubeInfo:
        info = self.abundances.info
        shape = (*info.shape[:2], 1)
        return CubeInfo(shape, np.dtype(np.int64), crs=info.crs, transform=info.transform, name=self.path)

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        cube = self.abundances.read(window)
        values = np.where(cube.valid()[..., np.newaxis], cube.data, -np.inf)
        labels = np.where(values.max(axis=-1) >= self.threshold, values.argmax(axis=-1) + 1, 0)
        return labels.astype(np.int64)[..., np.newaxis][..., bands or [0]]
