"""A product's bands as one cube: several data sets are joined when a window is read, and not before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.readers.base import check_scale
from mmhsi.io.readers.derived import DerivedReader
from mmhsi.io.readers.scaling import Scaling
from mmhsi.io.wavelengths import nearest_band

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from mmhsi.io.cube_options import CubeOptions
    from mmhsi.io.products.base import Detector, Layer, ProductCube
    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.readers.scaling import Part
    from mmhsi.io.selection import Window

_SHORTEST = 100.0
"""Wavelengths in nm are longer; shorter ones are µm."""


class ProductReader(DerivedReader):
    """The cube of a product, its bands in increasing wavelength.

    Where two detectors measure the same wavelengths, the bands of one of them are flagged bad (`overlap`).

    Args:
        path: What the user named.
        title: Name of the product.
        cube: Where its bands lie.
        options: ``mask`` and ``overlap`` count here.
        main: The product's main file.

    Raises:
        DataError: The data sets do not fit each other, or the product has no such quality layer.
    """

    copies = 3

    def __init__(
        self, path: str | os.PathLike[str], title: str, cube: ProductCube, options: CubeOptions, main: Path
    ) -> None:
        layers = [layer.reader for several in cube.layers.values() for layer in several]
        super().__init__(path, [*(detector.reader for detector in cube.detectors), *layers])
        self.title, self.main = title, main
        self._cube = cube
        self.layers = tuple(sorted(cube.layers))
        for name in options.mask:
            if name not in cube.layers:
                raise DataError(
                    f"{self.path}: this {title} product has no layer to mask {name} by (it has "
                    f"{', '.join(self.layers) or 'none'})"
                )
        self._masks = [layer for name in options.mask for layer in cube.layers[name]]
        self._shape = self._check_shapes()
        parts = [_Bands.of(detector, self.path) for detector in cube.detectors]
        joined = [np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True)]
        order = np.argsort(joined[0], kind="stable")
        self._nm, self._fwhm, self._scale, self._offset, good, self._band = (column[order] for column in joined)
        self._good = good.astype(bool)
        counts = [len(part.columns[0]) for part in parts]
        self._set = np.repeat(np.arange(len(parts)), counts)[order]
        names = [detector.group or str(number) for number, detector in enumerate(cube.detectors)]
        self._detector = np.array([names.index(name) for name in names])[self._set]
        self._flag_overlaps(options.overlap)
        self._whole: list[tuple[CubeReader, list[int], list[tuple[slice, slice]]]] | None = None

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        return list(dict.fromkeys([*super().files, self.main]))

    def _check_shapes(self) -> tuple[int, int]:
        """Rows and columns, the same in all data sets."""
        readers = [detector.reader for detector in self._cube.detectors] + [layer.reader for layer in self._masks]
        shapes = {reader.stored.shape[:2] for reader in readers}
        if len(shapes) != 1:
            sizes = ", ".join(f"{rows} x {columns}" for rows, columns in sorted(shapes))
            raise DataError(f"{self.path}: {self.title}: its data sets have {sizes} pixels; expected the same size")
        return shapes.pop()

    def _flag_overlaps(self, overlap: str) -> None:
        """Flag the bands of one detector where the next one measures too."""
        if overlap == "both":
            return
        ranges = []
        for number in np.unique(self._detector):
            nm = self._nm[self._good & (self._detector == number)]
            if nm.size:
                ranges.append((nm.min(), nm.max(), number))
        ranges.sort()
        for (_, end, first), (start, _, second) in pairwise(ranges):
            if overlap == "longer":
                self._good &= ~((self._detector == first) & (self._nm >= start))
            else:
                self._good &= ~((self._detector == second) & (self._nm <= end))

    def _describe(self) -> CubeInfo:
        scale, offset = check_scale(self._scale.tolist(), self._offset.tolist(), self.path)
        return CubeInfo(
            shape=(*self._shape, len(self._nm)),
            dtype=np.result_type(*(detector.reader.stored.dtype for detector in self._cube.detectors)),
            wavelengths=self._nm,
            fwhm=None if np.isnan(self._fwhm).any() else self._fwhm,
            good_bands=self._good,
            nodata=self._cube.nodata,
            crs=self._cube.crs,
            transform=self._cube.transform,
            name=self.path,
            scale=scale,
            offset=offset,
            acquired=self._cube.acquired,
            reflectance=self._cube.reflectance,
        )

    def _plan(self, bands: list[int] | None) -> list[tuple[CubeReader, list[int], list[tuple[slice, slice]]]]:
        """Readers, which of their bands are read, and where these go (:func:`_runs`); that of all bands is kept."""
        if bands is None and self._whole is not None:
            return self._whole
        wanted = np.arange(len(self._nm)) if bands is None else np.asarray(bands)
        readers = [detector.reader for detector in self._cube.detectors]
        owner = np.array([id(reader) for reader in readers])[self._set[wanted]]
        plan = []
        for reader in {id(reader): reader for reader in readers}.values():
            places = np.flatnonzero(owner == id(reader))
            if places.size:
                numbers = self._band[wanted[places]].astype(int)
                rising = np.argsort(numbers, kind="stable")
                plan.append((reader, numbers[rising].tolist(), _runs(places[rising])))
        if bands is None:
            self._whole = plan
        return plan

    def _parts(self, window: Window, bands: list[int] | None) -> list[Part]:
        """Values of the data sets as they lie there."""
        parts = []
        for reader, numbers, runs in self._plan(bands):
            part = reader._read_view(window, numbers)
            parts += [(part, here, there) for here, there in runs]
        return parts

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        count = len(self._nm) if bands is None else len(bands)
        block = np.empty((*window[2:], count), self.stored.dtype)
        for part, here, there in self._parts(window, bands):
            block[..., there] = part[..., here]
        return block

    def _read_values(self, window: Window, bands: list[int] | None) -> tuple[NDArray, NDArray[np.bool_] | None]:
        info = self.info
        if info.scale is None or info.offset is None:
            return super()._read_values(window, bands)
        parts = self._parts(window, bands)
        pick: slice | list[int] = slice(None) if bands is None else bands
        scaling = Scaling(info.scale[pick], info.offset[pick], self.stored.dtype, self.stored.nodata)
        return scaling.apply(parts, info.dtype), self._valid_pixels(window, bands, parts)

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        return self._valid_pixels(window, bands, [(data, slice(None), slice(None))])

    def _valid_pixels(self, window: Window, bands: list[int] | None, parts: list[Part]) -> NDArray[np.bool_] | None:
        """Pixels (h, w) that no mask marks and that hold values, by the stored values of the bands that were read."""
        masks = [self._valid(layer, window) for layer in self._masks]
        if self._cube.empty:
            probes = [nearest_band(self._nm, nm) for nm in self._cube.empty]
            read = list(range(len(self._nm))) if bands is None else bands
            if set(probes) <= set(read):
                seen = [_band_of(parts, read.index(probe), len(read)) for probe in probes]
            else:
                seen = list(np.moveaxis(self._read_block(window, probes), -1, 0))
            masks.append(np.logical_or.reduce([values != 0 for values in seen]))
        return np.logical_and.reduce(masks) if masks else None

    @staticmethod
    def _valid(layer: Layer, window: Window) -> NDArray[np.bool_]:
        return ~layer.marks(layer.reader._read_block(window, list(layer.bands)))


def _band_of(parts: list[Part], band: int, count: int) -> NDArray:
    """One band (h, w) of values that lie in several parts."""
    for part, here, there in parts:
        places = range(count)[there]
        if band in places:
            return part[..., here][..., places.index(band)]
    raise AssertionError(f"no part has band {band}")


def _runs(places: NDArray[np.int64]) -> list[tuple[slice, slice]]:
    """Places in evenly spaced runs, (slice of the list, slice of the places): copying slices is much faster."""
    steps = np.diff(places)
    runs, start = [], 0
    while start < places.size:
        step = int(steps[start]) if start < steps.size else 1
        stop = start + 1
        while stop < places.size and steps[stop - 1] == step and step != 0:
            stop += 1
        end = int(places[stop - 1]) + (1 if step > 0 else -1)
        runs.append((slice(start, stop), slice(int(places[start]), None if end < 0 else end, step or 1)))
        start = stop
    return runs


class _Bands:
    """Columns (wavelength, width, scale, offset, good, band) of a detector."""

    def __init__(self, columns: list[NDArray[np.float64]]) -> None:
        self.columns = columns

    @classmethod
    def of(cls, detector: Detector, path: str) -> _Bands:
        nm = np.asarray(detector.wavelengths, dtype=np.float64)
        count = detector.reader.stored.shape[2]
        bands = np.arange(count) if detector.bands is None else np.asarray(detector.bands)
        if nm.shape != bands.shape or (bands.size and bands.max() >= count):
            raise FileFormatError(
                f"{path}: says {nm.size} wavelengths for {bands.size} bands, of a data set of {count} "
                f"({detector.reader.path})"
            )
        wrong = nm[~(np.isfinite(nm) & (nm > _SHORTEST))]
        if wrong.size:
            raise FileFormatError(f"{path}: a wavelength is {wrong[0]:g}; expected nm")

        def column(values: ArrayLike | None, missing: float) -> NDArray[np.float64]:
            array = np.asarray(missing if values is None else values, dtype=np.float64)
            if array.shape not in ((), nm.shape):
                raise FileFormatError(f"{path}: says {array.size} values for {nm.size} bands")
            return np.broadcast_to(array, nm.shape)

        return cls(
            [
                nm,
                column(detector.fwhm, np.nan),
                column(detector.scale, 1.0),
                column(detector.offset, 0.0),
                column(detector.good, 1.0),
                bands.astype(np.float64),
            ]
        )
