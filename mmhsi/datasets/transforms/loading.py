"""Reading cubes and label maps in a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from mmcv.transforms import BaseTransform

from mmhsi.errors import DataError
from mmhsi.io import label_map_info, open_cube, read_label_map
from mmhsi.registry import TRANSFORMS

from ..labels import IGNORE_INDEX


def _turns(results: dict) -> int:
    turns = results.get("turns", 0)
    if not isinstance(turns, Integral):
        raise DataError(f"{results['img_path']}: turns={turns!r} given, expected a whole number of quarter turns")
    return int(turns) % 4


def _require_same_size(shape: Sequence[int], results: dict) -> None:
    height, width = results["file_shape"]
    if tuple(shape) != (height, width):
        raise DataError(
            f"{results['seg_map_path']}: label map of {shape[0]} x {shape[1]} pixels, but {results['img_path']} has "
            f"{height} x {width}"
        )


@TRANSFORMS.register_module()
class LoadCube(BaseTransform):
    """Read a cube, or a window of it, in its file's dtype.

    Required keys: ``img_path``, ``bands`` (0-based, to read), ``file_bands`` (how many the file must have). Optional:
    ``window`` (row0, col0, height, width) in pixels, all of the file without it; ``turns``, quarter turns
    anticlockwise after reading, 0 without it.

    Added keys: ``img`` (H, W, C), ``valid`` (H, W) bool, ``img_shape``, ``ori_shape``, ``file_shape`` (rows, columns of
    the file), ``wavelengths`` and ``fwhm`` (C,) nm or None. ``valid`` is listed in ``seg_fields``, so that those of
    mmseg's transforms that go through this list keep it in step.
    """

    def transform(self, results: dict) -> dict:
        """Read the cube.

        Raises:
            DataError: If the file cannot be read, has another number of bands than the dataset's first tile, or the
                window reaches outside it.
        """
        with open_cube(results["img_path"]) as reader:
            shape = reader.info.shape
            if shape[2] != results["file_bands"]:
                raise DataError(
                    f"{results['img_path']}: {shape[2]} bands, the dataset's first tile has {results['file_bands']}"
                )
            cube = reader.read(window=results.get("window"), bands=results["bands"])
        turns = _turns(results)
        results["img"] = np.rot90(cube.data, turns)
        results["valid"] = np.rot90(cube.valid(), turns)
        results["img_shape"] = results["ori_shape"] = results["img"].shape[:2]
        results["file_shape"] = shape[:2]
        results["wavelengths"] = cube.wavelengths
        results["fwhm"] = cube.fwhm
        results.setdefault("seg_fields", []).append("valid")
        return results

    def __repr__(self) -> str:
        return "LoadCube()"


@TRANSFORMS.register_module()
class LoadLabels(BaseTransform):
    """Read a label map, or the cube's window of it, and map its ids to class indices.

    Required keys: ``seg_map_path``, ``label_table``; ``img``, ``valid`` and ``file_shape``, which :class:`LoadCube`
    adds. Optional: ``window`` and ``turns``, as there.

    Added keys: ``gt_seg_map`` (H, W) int64, 255 where there is no label or no data.
    """

    def transform(self, results: dict) -> dict:
        """Read the label map.

        Raises:
            DataError: If it cannot be read, has an unknown id, or another size than the cube's file.
        """
        path, window = results["seg_map_path"], results.get("window")
        if window is not None:
            # Of a label map of another size a window would be read without complaint, and lie elsewhere on the ground.
            _require_same_size(label_map_info(path).shape[:2], results)
        raw = read_label_map(path, window=window)
        if window is None:
            _require_same_size(raw.shape, results)
        labels: np.ndarray = np.rot90(results["label_table"](raw, path), _turns(results))
        labels[~results["valid"]] = IGNORE_INDEX
        results["gt_seg_map"] = labels
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results

    def __repr__(self) -> str:
        return "LoadLabels()"
