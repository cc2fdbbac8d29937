"""Reading cubes and label maps in a pipeline."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import is_whole, size_pair
from mmhsi.errors import DataError
from mmhsi.io import CubeOptions, CubeReader, HSICube, open_label_map
from mmhsi.io.placement import Grid
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.vectors import is_vector
from mmhsi.registry import TRANSFORMS

from ..drawn_tiles import drawn_classes
from ..kept_readers import KeptReaders
from ..label_grid import grid_classes
from ..label_table import IGNORE_INDEX
from .common import CubeTransform, forwards, generator
from .keeping import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_IT_IS = CubeOptions()


def _turns(results: dict) -> int:
    turns = results.get("turns", 0)
    if not is_whole(turns):
        raise DataError(f"{results['img_path']}: turns={turns!r} given, expected a whole number of quarter turns")
    return int(turns) % 4


def _open_cube(path: str, key: str | None, axes: str | None, options: CubeOptions) -> CubeReader:
    return open_reader(path, key, 3, axes, options)


def _open_labels(path: str, key: str | None, axes: str | None, _: CubeOptions) -> CubeReader:
    return open_label_map(path, key, axes)


_KEPT: dict[int, KeptReaders] = {}
"""Of every process by its number: a worker that was forked has readers, and a share of the memory, of its own."""


def kept_readers() -> KeptReaders:
    """Those of this process."""
    process = os.getpid()
    if process not in _KEPT:
        _KEPT[process] = KeptReaders()
    return _KEPT[process]


def _cube_reader(entry: dict) -> CubeReader:
    """An open reader of an entry's cube."""
    options = entry.get("img_options") or AS_IT_IS
    return kept_readers().reader(
        entry["img_path"], entry.get("img_key"), entry.get("img_axes"), CubeOptions.of(options), _open_cube
    )


@TRANSFORMS.register_module()
class RandomReadWindow(CubeTransform):
    """Choose a window at a random place before the file is read, so that nothing else is.

    Required keys: ``tile_shape`` (rows, columns of the file).

    Added keys: ``window`` (row0, col0, height, width), which :class:`LoadCube` and :class:`LoadLabels` read.

    Args:
        size: Side, or (height, width), in pixels.

    Raises:
        ConfigError: If size is no size.
    """

    scope = "random"

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("RandomReadWindow", size)

    def transform(self, results: dict) -> dict:
        """Choose the window.

        Raises:
            DataError: If the file is smaller than the window.
        """
        (height, width), (h, w) = results["tile_shape"], self.size
        if h > height or w > width:
            raise DataError(
                f"{results['img_path']}: RandomReadWindow of {h} x {w} exceeds its {height} x {width} pixels"
            )
        rng = generator()
        results["window"] = (int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w)
        return results


@TRANSFORMS.register_module()
class LoadCube(CubeTransform):
    """Read a cube, or a window of it, in its file's dtype.

    Required keys: ``img_path``, ``bands`` (0-based, to read), ``file_bands`` (how many the file must have). Optional:
    ``img_key``, variable of a ``.mat`` or HDF5 file, ``img_axes``, its axes, and ``img_options``, how it is
    opened beside that; ``window`` (row0, col0, height, width) in pixels, all of the file without it; ``turns``, quarter
    turns anticlockwise after reading, 0 without it.

    Added keys: ``img`` (H, W, C), ``valid`` (H, W) bool, ``img_shape``, ``ori_shape``, ``file_shape`` (rows, columns of
    the file), ``wavelengths`` and ``fwhm`` (C,) nm or None. ``valid`` is listed in ``seg_fields``, so that those of
    mmseg's transforms that go through this list keep it in step.

    Args:
        cache_mb: Megabytes of cubes and windows that a process keeps for the next epoch, the first ones that it reads.
            Default 0: none. Files must not change meanwhile.
    """

    scope = "image"
    changes_values = False

    def __init__(self, cache_mb: float = 0) -> None:
        self.cache_mb = cache_mb
        self._kept: Kept[HSICube] = Kept("LoadCube", cache_mb)

    def _read(self, reader: CubeReader, results: dict) -> HSICube:
        place = (results["img_path"], results.get("img_key"), results.get("window"), tuple(results["bands"]))
        cube = self._kept.get(place)
        if cube is None:
            cube = reader.read(window=results.get("window"), bands=results["bands"])
            if not self._kept.offer(place, cube, cube.data.nbytes):
                return cube
        return replace(cube, data=cube.data.copy())  # what follows may write into it

    def transform(self, results: dict) -> dict:
        """Read the cube.

        Raises:
            DataError: If the file cannot be read, has another number of bands than the dataset's first tile, or the
                window reaches outside it.
        """
        reader = _cube_reader(results)
        shape = reader.info.shape
        if shape[2] != results["file_bands"]:
            raise DataError(
                f"{results['img_path']}: {shape[2]} bands, the dataset's first tile has {results['file_bands']}"
            )
        cube = self._read(reader, results)
        turns = _turns(results)
        results["img"] = forwards(np.rot90(cube.data, turns))
        results["valid"] = forwards(np.rot90(cube.valid(), turns))
        results["img_shape"] = results["ori_shape"] = results["img"].shape[:2]
        results["file_shape"] = shape[:2]
        results["wavelengths"] = cube.wavelengths
        results["fwhm"] = cube.fwhm
        results.setdefault("seg_fields", []).append("valid")
        return results


def read_classes(entry: dict) -> np.ndarray:
    """Read the class indices of a data set's entry, or of its window; of its cube the header alone.

    Args:
        entry: With ``img_path``, ``seg_map_path``, ``label_table`` and the optional keys of :class:`LoadLabels`.

    Returns:
        Shape (H, W), or with ``fine_labels`` (H · s, W · s), int64, 255 where there is no label.

    Raises:
        DataError: If the label map cannot be read or has an unknown id.
    """
    cube = _cube_reader(entry).info
    if is_vector(entry["seg_map_path"]):
        return drawn_classes(entry, Grid.of(cube))
    key, axes = entry.get("seg_map_key"), entry.get("seg_map_axes")
    reader = kept_readers().reader(entry["seg_map_path"], key, axes, AS_IT_IS, _open_labels)
    return grid_classes(
        reader,
        Grid.of(cube),
        entry["label_table"],
        entry.get("label_scale", 1),
        entry.get("label_majority"),
        entry.get("window"),
        entry.get("fine_labels", False),
    )


@TRANSFORMS.register_module()
class LoadLabels(CubeTransform):
    """Read a label map, or the cube's window of it, and map its ids to class indices.

    Required keys: ``img_path``, ``seg_map_path``, ``label_table``; ``img`` and ``valid``, which :class:`LoadCube` adds.
    Optional: ``window`` and ``turns``, as there; ``seg_map_key``, variable of a ``.mat`` or HDF5 file, and
    ``seg_map_axes``; ``label_fields`` of a vector file
    (:func:`mmhsi.datasets.drawn_tiles.label_fields`); ``label_scale``, label pixels per cube pixel along each axis, and
    ``label_majority`` (:func:`mmhsi.datasets.majority_labels`); ``fine_labels``: keep all of them.

    Added keys: ``gt_seg_map`` (H, W) or (H · s, W · s) int64, 255 where there is no label or no data; with
    ``fine_labels`` ``ori_shape``, the size that mmseg resizes predictions to.
    """

    scope = "image"
    changes_values = False

    def transform(self, results: dict) -> dict:
        """Read the label map.

        Raises:
            DataError: If it cannot be read, has an unknown id, another size than the cube's file, or lies elsewhere.
        """
        classes = read_classes(results)
        labels: np.ndarray = forwards(np.rot90(classes, _turns(results)))
        valid = results["valid"]
        if results.get("fine_labels"):
            scale = results.get("label_scale", 1)
            valid = valid.repeat(scale, axis=0).repeat(scale, axis=1)
            results["ori_shape"] = labels.shape
        labels[~valid] = IGNORE_INDEX
        results["gt_seg_map"] = labels
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results
