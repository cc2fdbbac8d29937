"""Packing for the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmhsi.io.transposing import planes_of
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, forwards, require_one_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

META_KEYS = ("img_path", "seg_map_path", "window", "ori_shape", "img_shape")


def tensor_of(array: NDArray) -> torch.Tensor:
    """A tensor of an array of any strides, which shares its memory where they are those of C order.

    Args:
        array: Of any shape.
    """
    return torch.from_numpy(forwards(np.ascontiguousarray(array)))


@TRANSFORMS.register_module()
class PackTile(CubeTransform):
    """Pack a tile for :class:`mmhsi.models.TilePreprocessor`, in its raw dtype.

    Required keys: ``img`` (H, W, C), ``valid`` (H, W); ``gt_seg_map`` (H, W) for segmentation, ``gt_values`` (H, W, T)
    for regression, which are unknown where there is no data.

    Added keys: ``inputs`` tensor (C, H, W), ``valid`` bool tensor (H, W), ``data_samples`` (mmseg's SegDataSample).

    Args:
        meta_keys: Keys that go into the sample's metainfo where they exist.
    """

    scope = "image"
    changes_values = False

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack; nothing else of ``results`` goes on."""
        sample = SegDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if "gt_seg_map" in results:
            labels = tensor_of(results["gt_seg_map"])
            sample.gt_sem_seg = PixelData(data=labels[None])
        if "gt_values" in results:
            require_one_grid(results)
            values = np.where(results["valid"][..., None], results["gt_values"], np.float32(np.nan))
            sample.gt_values = PixelData(data=tensor_of(values.transpose(2, 0, 1)))
        return dict(
            inputs=tensor_of(planes_of(results["img"])),
            valid=tensor_of(results["valid"]),
            data_samples=sample,
        )
