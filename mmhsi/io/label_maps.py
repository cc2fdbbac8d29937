"""Label maps: one class number a pixel, from the same formats as cubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.abundances import AbundanceLabels
from mmhsi.io.cube import CubeInfo, HSICube
from mmhsi.io.cube_options import CubeOptions
from mmhsi.io.readers.opening import open_reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from mmhsi.io.readers.base import CubeReader

NO_LABEL = int(np.iinfo(np.int64).min)
"""What :func:`read_label_map` gives for pixels that a file declares to hold nothing; no class has this number."""

# Beyond 2**53 a float no longer tells neighbouring integers apart.
_LARGEST_FLOAT_LABEL = 2.0**53


def label_map_info(path: str | PathLike[str], key: str | None = None, axes: str | None = None) -> CubeInfo:
    """What a file says about its label map, for checking it against a cube before anything is read.

    Args:
        path: The file, as in :func:`read_label_map`.
        key: The variable of a .mat or HDF5 file; None means the only 2-D one that is not a scalar or a vector.
        axes: As in :func:`mmhsi.io.open_cube`, such as ``"y x"``.

    Returns:
        The metadata; shape is (H, W, 1).

    Raises:
        FileFormatError: The file is missing, empty, a folder, damaged or of another format.
        DataError: The file holds no label map but several bands, or `key` is not in it.
    """
    with open_label_map(path, key, axes) as reader:
        return reader.info


def read_label_map(
    path: str | PathLike[str],
    key: str | None = None,
    window: Sequence[int] | None = None,
    fill: int = NO_LABEL,
    axes: str | None = None,
) -> NDArray[np.int64]:
    """Read a label map.

    Args:
        path: A raster of one band, a .mat file or a .npy file (H, W) or (H, W, 1). Whole numbers stored as floats
            are accepted, and booleans.
        key: The variable of a .mat or HDF5 file; None means the only 2-D one that is not a scalar or a vector.
        window: (row0, col0, height, width) in pixels; None means the whole map.
        fill: The label given to pixels that are NaN, the file's nodata value or masked, whatever that value is else.
            Default: :data:`NO_LABEL`, which :class:`mmhsi.datasets.LabelTable` takes for "no label".
        axes: As in :func:`mmhsi.io.open_cube`, such as ``"y x"``.

    Returns:
        (H, W) int64.

    Raises:
        FileFormatError: The file is missing, empty, a folder, damaged or of another format.
        DataError: The file holds no label map, a window reaches outside it, or a value is not a whole number.
    """
    with open_label_map(path, key, axes) as reader:
        return read_labels(reader, window, fill)


def open_label_map(
    path: str | PathLike[str],
    key: str | None = None,
    axes: str | None = None,
    threshold: float | None = None,
    shape: tuple[int, int] | None = None,
) -> CubeReader:
    """Open a label map for :func:`read_labels`.

    Args:
        path: As for :func:`label_map_info`, as `key` and `axes` are.
        key: The variable.
        axes: The axes.
        threshold: For abundances (H, W, K) of K classes: a pixel has the class of the largest one, 1 to K, if that is
            at least this, else 0. Default None: the file holds class numbers.
        shape: (rows, columns) of abundances that are stored as a matrix of pixels.

    Raises:
        FileFormatError: As for :func:`label_map_info`.
        DataError: As there.
        ConfigError: The threshold is none.
    """
    if threshold is not None:
        abundances = open_reader(path, key, 3, axes, CubeOptions(shape=shape))
        try:
            return AbundanceLabels(abundances, threshold)
        except BaseException:
            abundances.close()
            raise
    reader = open_reader(path, key, 2, axes)
    bands = reader.stored.shape[2]
    if bands != 1:
        reader.close()
        raise DataError(
            f"{reader.path}: has {bands} bands; a label map has one band of class numbers (of one band a class take "
            "the number of the class that is set, with label_threshold=, of a coloured picture the number of each "
            "colour)"
        )
    return reader


def read_labels(reader: CubeReader, window: Sequence[int] | None = None, fill: int = NO_LABEL) -> NDArray[np.int64]:
    """Read a label map that is open already; arguments, result and errors as for :func:`read_label_map`."""
    row0, col0 = (0, 0) if window is None else window[:2]
    return _to_labels(reader.read(window, bands=[0]), fill, row0, col0)


def _to_labels(cube: HSICube, fill: int, row0: int, col0: int) -> NDArray[np.int64]:
    values = cube.data[..., 0]  # (H, W, 1) -> (H, W)
    missing = ~HSICube(data=cube.data, nodata=cube.nodata, mask=cube.mask).valid()
    if values.dtype.kind == "f":
        infinite = np.isinf(values) if cube.nodata is None else np.isinf(values) & (values != cube.nodata)
        missing &= ~infinite
        with np.errstate(invalid="ignore"):
            wrong = ~missing & ((values != np.rint(values)) | (np.abs(values) > _LARGEST_FLOAT_LABEL))
    else:
        wrong = ~missing & (values > np.iinfo(np.int64).max)
    if wrong.any():
        row, col = (int(index) for index in np.argwhere(wrong)[0])
        raise DataError(
            f"{cube.name}: label {values[row, col]} at pixel (row {row0 + row}, column {col0 + col}) is not a whole "
            "number that fits int64; expected class numbers"
        )
    return np.where(missing, fill, np.where(missing, 0, values).astype(np.int64))
