"""Packing of one tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmcv.transforms import to_tensor
from samples import make_sample, tagged

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import PackTile
from mmhsi.registry import TRANSFORMS

FLIP = dict(type="RandomFlip", prob=1.0, direction="diagonal")


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_pack_keeps_dtype_and_turns_axes(bands: int, dtype: str) -> None:
    sample = make_sample(bands, dtype=dtype, nodata=False)
    packed = PackTile()(dict(sample))
    assert packed["inputs"].dtype == getattr(torch, dtype)
    assert packed["inputs"].is_contiguous()
    for band in range(bands):
        np.testing.assert_array_equal(packed["inputs"][band], sample["img"][:, :, band])
    np.testing.assert_array_equal(packed["data_samples"].gt_sem_seg.data[0], sample["gt_seg_map"])
    np.testing.assert_array_equal(packed["valid"], sample["valid"])
    assert packed["data_samples"].img_path == "folder/tile.tif"


def test_pack_without_labels() -> None:
    packed = PackTile()(make_sample(204, labels=False))
    assert "gt_sem_seg" not in packed["data_samples"]
    assert packed["inputs"].shape == (204, 9, 11)


@pytest.mark.parametrize("shape", [(9, 11), (1, 11), (9, 1), (1, 1)])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize(
    "step", [dict(type="RandomDihedral"), FLIP, dict(FLIP, type="mmseg.RandomFlip"), dict(FLIP, direction="vertical")]
)
def test_pack_after_every_turn(step: dict, shape: tuple[int, int], layout: str) -> None:
    """Turned arrays are views with negative strides, which torch refuses unless they are copied."""
    turn = TRANSFORMS.build(step)
    seed_everything(0)
    for _ in range(20):
        given = tagged(4, *shape)
        given["img"] = np.asarray(given["img"], order=layout)
        sample = turn(given)
        packed = PackTile()(dict(sample))
        np.testing.assert_array_equal(packed["inputs"].permute(1, 2, 0), sample["img"])
        np.testing.assert_array_equal(packed["data_samples"].gt_sem_seg.data[0], sample["gt_seg_map"])
        np.testing.assert_array_equal(packed["valid"], sample["valid"])
        if step["type"] != "mmseg.RandomFlip":  # other packages' packers make a tensor as they can
            np.testing.assert_array_equal(to_tensor(np.ascontiguousarray(sample["img"])), sample["img"])
            np.testing.assert_array_equal(to_tensor(np.ascontiguousarray(sample["gt_seg_map"])), sample["gt_seg_map"])


def test_meta_keys() -> None:
    packed = PackTile(meta_keys=("ori_shape", "absent"))(make_sample(4))
    assert packed["data_samples"].metainfo == {"ori_shape": (9, 11)}
