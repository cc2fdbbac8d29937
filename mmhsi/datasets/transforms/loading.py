"""Reading cubes and label maps in a pipeline."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from mmhsi.errors import DataError
from mmhsi.io import open_cube, read_label_map
from mmhsi.registry import TRANSFORMS

from ..labels import IGNORE_INDEX


@TRANSFORMS.register_module()
class LoadCube(BaseTransform):
    """Read a cube in its file's dtype.

    Required keys: ``img_path``, ``bands`` (0-based, to read), ``file_bands`` (how many the file must have).

    Added keys: ``img`` (H, W, C), ``valid`` (H, W) bool, ``img_shape``, ``ori_shape``, ``wavelengths`` (C,) nm or None.
    """

    def transform(self, results: dict) -> dict:
        """Read the cube.

        Raises:
            DataError: If the file cannot be read or has another number of bands than the dataset's first tile.
        """
        with open_cube(results["img_path"]) as reader:
            if reader.info.shape[2] != results["file_bands"]:
                raise DataError(
                    f"{results['img_path']}: {reader.info.shape[2]} bands, the dataset's first tile has "
                    f"{results['file_bands']}"
                )
            cube = reader.read(bands=results["bands"])
        results["img"] = cube.data
        results["valid"] = cube.valid()
        results["img_shape"] = results["ori_shape"] = cube.data.shape[:2]
        results["wavelengths"] = cube.wavelengths
        return results

    def __repr__(self) -> str:
        return "LoadCube()"


@TRANSFORMS.register_module()
class LoadLabels(BaseTransform):
    """Read a label map and map its ids to class indices.

    Required keys: ``seg_map_path``, ``label_table``; ``img`` and ``valid``, which :class:`LoadCube` adds.

    Added keys: ``gt_seg_map`` (H, W) int64, 255 where there is no label or no data.
    """

    def transform(self, results: dict) -> dict:
        """Read the label map.

        Raises:
            DataError: If it cannot be read, has an unknown id, or another size than the cube.
        """
        path = results["seg_map_path"]
        raw = read_label_map(path)
        if raw.shape != results["img"].shape[:2]:
            height, width = results["img"].shape[:2]
            raise DataError(
                f"{path}: label map of {raw.shape[0]} × {raw.shape[1]} pixels, but {results['img_path']} has "
                f"{height} × {width}"
            )
        labels: np.ndarray = results["label_table"](raw, path)
        labels[~results["valid"]] = IGNORE_INDEX
        results["gt_seg_map"] = labels
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results

    def __repr__(self) -> str:
        return "LoadLabels()"
