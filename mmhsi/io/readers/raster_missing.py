"""Which values of a raster are missing: nodata of its bands, masks and transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags

from mmhsi.errors import DataError
from mmhsi.io.cube import holds_data

if TYPE_CHECKING:
    from os import PathLike

    import rasterio
    from numpy.typing import NDArray
    from rasterio.windows import Window


def check_nodata(text: str | None, path: str | PathLike[str]) -> None:
    """Refuse a value for missing data that is no number: GDAL would take what it cannot read for 0.

    Args:
        text: What the file says, or None.
        path: The file, for the message.

    Raises:
        DataError: It is none.
    """
    try:
        float(text or "nan")
    except ValueError:
        said = (text or "").strip()[:40]
        raise DataError(f"{path}: declares {said!r} as the value of missing data; expected a number") from None


class MissingValues:
    """What an open raster declares about missing values.

    A band of transparency (alpha) is no band of the cube; it decides which pixels hold data. One that carries a
    wavelength is a band all the same: GDAL calls the fourth band of 8 bits so if nobody objects.

    Args:
        dataset: The raster.

    Attributes:
        indexes: GDAL's numbers, from 1, of the bands that the cube has.
        alpha: That of the transparency, or None.
        nodata: The value that stands for "not measured" in all bands of the cube, or None.
        reads_file: Whether :meth:`mask` reads from the raster.
        says_more: Whether :meth:`mask` may find more missing than :attr:`nodata` does.
    """

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        transparent = [
            index
            for index, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True)
            if meaning is ColorInterp.alpha and "wavelength" not in dataset.tags(index)
        ]
        # Several are none: programs write so of all bands beyond the third.
        self.alpha = transparent[0] if len(transparent) == 1 < dataset.count else None
        self.indexes = [index for index in dataset.indexes if index != self.alpha]
        # rasterio makes such a list anew, band by band, whenever it is asked for one.
        nodata, all_flags = dataset.nodatavals, dataset.mask_flag_enums
        declared = [nodata[index - 1] for index in self.indexes]
        same = len({repr(value) for value in declared}) == 1
        self.nodata: float | None = declared[0] if same else None
        self._nodata_of = None if same else dict(zip(self.indexes, declared, strict=True))
        flags = [all_flags[index - 1] for index in self.indexes]
        # Without any flag a band has a mask of its own; what GDAL makes of alpha and nodata is looked at here.
        self._own_masks = {index for index, flag in zip(self.indexes, flags, strict=True) if not flag}
        self._shared_mask = any(
            MaskFlags.per_dataset in flag and (MaskFlags.alpha not in flag or self.alpha is None) for flag in flags
        ) and (ColorInterp.alpha not in dataset.colorinterp or self.alpha is not None)
        self.reads_file = bool(self._own_masks) or self._shared_mask or self.alpha is not None
        self.says_more = self.reads_file or self._nodata_of is not None

    def mask(
        self, dataset: rasterio.DatasetReader, area: Window, indexes: list[int], values: NDArray
    ) -> NDArray[np.bool_] | None:
        """Where the file says, beside :attr:`nodata`, that there is data.

        Args:
            dataset: The raster.
            area: The window.
            indexes: Bands that were read.
            values: What was read, (h, w, bands).

        Returns:
            (h, w) or (h, w, bands), or None where nothing is declared.
        """
        mask: NDArray[np.bool_] | None = None
        if self._shared_mask:
            mask = dataset.read_masks(self.indexes[0], window=area) > 0
        if self.alpha is not None:
            opaque = dataset.read(self.alpha, window=area) > 0
            mask = opaque if mask is None else mask & opaque
        if not self._own_masks and self._nodata_of is None:
            return mask
        each = np.ones(values.shape, dtype=bool) if mask is None else np.repeat(mask[..., np.newaxis], len(indexes), 2)
        for place, index in enumerate(indexes):
            if index in self._own_masks:
                each[..., place] &= dataset.read_masks(index, window=area) > 0
            if self._nodata_of is not None:
                present = holds_data(values[..., place], self._nodata_of[index])
                if present is not None:
                    each[..., place] &= present
        return each
