"""Class maps as GeoTIFF files that a GIS shows in the classes' colours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from mmhsi.errors import DataError, one_line
from mmhsi.io.output import sidecar
from mmhsi.io.row_writer import RowWriter
from mmhsi.io.styles import write_style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from pathlib import Path

    import rasterio
    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.crs import CRS

# Class number 255 stays free in a byte: it is the field's habit for "ignore" and nodata.
_MOST_CLASSES_IN_A_BYTE = 255


class ClassMapWriter(RowWriter):
    """Write a class map by bands of rows, for scenes larger than memory.

    The file is a cloud-optimised GeoTIFF of one band, each pixel of its overviews the most frequent class of four:
    uint8 with a colour table, or uint16 without one beyond 255 classes. The class names lie in the tag ``class_names``
    (a JSON list) and in the sidecar ``NAME.aux.xml``, where GDAL looks for category names; the numbers of the classes,
    where they are not 0 to K−1, in the tag ``class_ids``; and a style for QGIS in ``NAME.qml``, the map's name without
    its suffix, where it looks for one. The file appears under its name only if the ``with`` block ends well and every
    row has been written; otherwise nothing is left.

    Args:
        path: The file; its folder is created.
        shape: (H, W) in pixels.
        class_names: Name of each class.
        palette: Red, green and blue of each class, 0–255.
        nodata: The number that stands for "no class here", or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.
        class_ids: Number of each class in the file. Default: 0 to K−1.

    Raises:
        DataError: The arguments do not fit each other, a block holds a number that is not a class, or the file cannot
            be written.

    Example:
        >>> import numpy as np
        >>> legend = dict(class_names=["soil", "water"], palette=[(180, 120, 60), (0, 0, 255)])
        >>> with ClassMapWriter("map.tif", (2, 2), **legend) as writer:
        ...     writer.write_rows(0, np.array([[0, 1], [1, 1]]))
    """

    def __init__(
        self,
        path: str | PathLike[str],
        shape: tuple[int, int],
        *,
        class_names: Sequence[str],
        palette: Sequence[Sequence[int]],
        nodata: int | None = None,
        crs: CRS | None = None,
        transform: Affine | None = None,
        class_ids: Sequence[int] | None = None,
    ) -> None:
        self.class_ids = [*range(len(class_names))] if class_ids is None else [int(label) for label in class_ids]
        largest = max([*self.class_ids, 0, (nodata or 0) if class_ids is not None else 0])
        dtype = np.dtype(np.uint8 if largest < 256 and len(class_names) <= _MOST_CLASSES_IN_A_BYTE else np.uint16)
        super().__init__(path, shape, 1, dtype, nodata, crs, transform, overviews="mode")
        self.class_names = [one_line(str(name)) for name in class_names]  # XML has no control characters
        self.palette = [tuple(int(value) for value in colour) for colour in palette]
        self._check_arguments()

    def _describe(self, dataset: rasterio.io.DatasetWriter) -> None:
        # The colour table has to be there before the first pixel: TIFF puts it in front of the data.
        if max(self.class_ids) < 65536 and len(self.class_ids) <= _MOST_CLASSES_IN_A_BYTE:
            dataset.write_colormap(1, dict(zip(self.class_ids, self.palette, strict=True)))
        dataset.set_band_description(1, "class")
        dataset.update_tags(class_names=json.dumps(self.class_names, ensure_ascii=False))
        if self.class_ids != [*range(len(self.class_ids))]:
            dataset.update_tags(class_ids=json.dumps(self.class_ids))

    def _finish(self, temporary: Path) -> None:
        """Write the sidecar; rasterio has no call for category names, and a GeoTIFF no place."""
        root = ElementTree.Element("PAMDataset")
        names = ElementTree.SubElement(ElementTree.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
        # The n-th category is that of the value n.
        by_id = dict(zip(self.class_ids, self.class_names, strict=True))
        for value in range(max(by_id) + 1):
            ElementTree.SubElement(names, "Category").text = by_id.get(value, "")
        ElementTree.ElementTree(root).write(sidecar(temporary), encoding="utf-8")

    def _accompany(self) -> None:
        write_style(self.path, self.class_ids, self.class_names, self.palette)

    def _check_arguments(self) -> None:
        classes, largest = len(self.class_names), 256**self.dtype.itemsize - 1
        ids = self.class_ids
        if len(ids) != classes or len(set(ids)) != classes or min(ids, default=0) < 0 or max(ids, default=0) > largest:
            raise DataError(f"{self.path}: class ids {ids[:8]} of {classes} classes; expected as many, 0 to {largest}")
        if not 1 <= classes <= largest + 1:
            raise DataError(f"{self.path}: {classes} class names; expected 1 to {largest + 1}")
        if len(self.palette) != classes:
            raise DataError(f"{self.path}: {len(self.palette)} colours for {classes} class names; expected as many")
        for colour in self.palette:
            if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
                raise DataError(f"{self.path}: colour {colour}; expected red, green and blue of 0 to 255")
        if self.nodata is not None and not 0 <= self.nodata <= largest:
            raise DataError(f"{self.path}: nodata {self.nodata} does not fit {self.dtype}; expected 0 to {largest}")

    def _expected(self) -> str:
        first, last = min(self.class_ids), max(self.class_ids)
        if last - first + 1 == len(self.class_ids):
            return f"{first} to {last}"
        return f"one of {', '.join(map(str, self.class_ids[:8]))}{', …' if len(self.class_ids) > 8 else ''}"

    def _check(self, row0: int, block: NDArray) -> None:
        if block.dtype.kind not in "biu":
            raise DataError(f"{self.path}: class numbers of type {block.dtype}; expected integers")
        wrong = ~np.isin(block, self.class_ids)
        if self.nodata is not None:
            wrong &= block != self.nodata
        if wrong.any():
            row, col = (int(index) for index in np.argwhere(wrong)[0])
            raise DataError(
                f"{self.path}: class {block[row, col]} at pixel (row {row0 + row}, column {col}) has no name; expected "
                f"{self._expected()}" + ("" if self.nodata is None else f" or nodata {self.nodata}")
            )


def write_class_map(
    path: str | PathLike[str],
    classes: NDArray,
    *,
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]],
    nodata: int | None = None,
    crs: CRS | None = None,
    transform: Affine | None = None,
) -> None:
    """Write a class map that is in memory; see :class:`ClassMapWriter` for the file.

    Args:
        path: The file; its folder is created.
        classes: (H, W) integer class numbers.
        class_names: Name of each class number, beginning with 0.
        palette: Red, green and blue of each class, 0–255.
        nodata: The number that stands for "no class here", or None.
        crs: Coordinate reference system, or None.
        transform: Pixel (column, row) to map coordinates, or None.

    Raises:
        DataError: The arguments do not fit each other, or the file cannot be written.
    """
    if classes.ndim != 2:
        raise DataError(f"{path}: a class map has two axes (H, W), got shape {classes.shape}")
    with ClassMapWriter(
        path,
        (classes.shape[0], classes.shape[1]),
        class_names=class_names,
        palette=palette,
        nodata=nodata,
        crs=crs,
        transform=transform,
    ) as writer:
        writer.write_rows(0, classes)
