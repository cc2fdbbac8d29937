"""Which transforms of the sister packages do the right thing with N bands, and which do not.

Those listed as right are used, not rewritten. Where one of the others starts to work, its test fails, and what mmhsi
has in its place can be thought over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mmcv.transforms as mmcv_transforms
import mmpretrain.datasets.transforms as mmpretrain_transforms
import mmseg.datasets.transforms as mmseg_transforms
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from samples import make_sample, tagged

from mmhsi.datasets.samplers import seed_everything

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = [204, 430]


def same(result: dict, sample: dict, take: Callable[[np.ndarray], np.ndarray], keys: tuple[str, ...]) -> bool:
    return all(np.array_equal(result[key], take(sample[key])) for key in keys)


def test_mmcv_random_flip_is_right_but_for_validity(bands: int) -> None:
    """So mmhsi.RandomFlip adds ``valid`` to it."""
    sample = tagged(bands)
    result = mmcv_transforms.RandomFlip(prob=1.0)(dict(sample))
    assert same(result, sample, lambda a: a[:, ::-1], ("img", "gt_seg_map"))
    assert same(result, sample, lambda a: a, ("valid",))


def test_mmseg_random_flip_is_right(bands: int) -> None:
    """It goes through ``seg_fields``, in which LoadCube lists ``valid``."""
    sample = tagged(bands)
    result = mmseg_transforms.RandomFlip(prob=1.0, direction="vertical")(dict(sample))
    assert same(result, sample, lambda a: a[::-1], ("img", "gt_seg_map", "valid"))


def test_mmseg_random_crop_is_right_but_does_not_pad(bands: int) -> None:
    sample = tagged(bands)
    seed_everything(0)
    for _ in range(5):
        result = mmseg_transforms.RandomCrop((4, 5))(dict(sample))
        row, column = divmod(int(result["img"][0, 0, 0]) // 1000, 11)
        window = np.s_[row : row + 4, column : column + 5]
        assert same(result, sample, lambda a, w=window: a[w], ("img", "gt_seg_map", "valid"))
    assert mmseg_transforms.RandomCrop((12, 12))(dict(sample))["img"].shape[:2] == (9, 11)


def test_mmcv_center_crop_is_right_but_for_validity(bands: int) -> None:
    """Its size is (width, height)."""
    sample = tagged(bands)
    result = mmcv_transforms.CenterCrop((5, 3))(dict(sample))
    assert same(result, sample, lambda a: a[3:6, 3:8], ("img", "gt_seg_map"))
    assert result["valid"].shape == (9, 11)


def test_mmpretrain_random_crop_leaves_labels_behind(bands: int) -> None:
    result = mmpretrain_transforms.RandomCrop((4, 5))(tagged(bands))
    assert result["img"].shape == (4, 5, bands)
    assert result["gt_seg_map"].shape == (9, 11)


def test_mmseg_rot_flip_without_rotation_is_right(bands: int) -> None:
    sample = tagged(bands)
    result = mmseg_transforms.RandomRotFlip(rotate_prob=0, flip_prob=1.0, degree=10)(dict(sample))
    number = result["img"][..., 0] // 1000
    assert np.array_equal(np.sort(number.ravel()), np.arange(99))
    assert np.array_equal(number % 250, result["gt_seg_map"])
    assert np.array_equal(number % 3 != 0, result["valid"])


def test_packing_is_right_but_drops_validity(bands: int) -> None:
    """The preprocessors of mmhsi need it, so PackTile is what packs."""
    sample = tagged(bands)
    packed = mmseg_transforms.PackSegInputs()(dict(sample))
    assert torch.equal(packed["inputs"], torch.from_numpy(sample["img"].transpose(2, 0, 1).copy()))
    assert np.array_equal(packed["data_samples"].gt_sem_seg.data[0], sample["gt_seg_map"])
    assert "valid" not in packed
    packed = mmpretrain_transforms.PackInputs()(dict(sample))
    assert torch.equal(packed["inputs"], torch.from_numpy(sample["img"].transpose(2, 0, 1).copy()))
    assert "valid" not in packed


def normalise(bands: int) -> Callable:
    return mmcv_transforms.Normalize(mean=[1.0] * bands, std=[2.0] * bands, to_rgb=False)


FAIL_BEYOND_128 = {
    "mmcv.Resize": lambda bands: mmcv_transforms.Resize(scale=(6, 4)),
    "mmcv.RandomResize": lambda bands: mmcv_transforms.RandomResize(scale=(6, 4), ratio_range=(0.9, 1.0)),
    "mmcv.Normalize": normalise,
    "mmpretrain.RandomResizedCrop": lambda bands: mmpretrain_transforms.RandomResizedCrop(6),
}
FAIL_BEYOND_4 = {
    "mmcv.Pad": lambda bands: mmcv_transforms.Pad(size=(12, 12)),
    "mmcv.Pad, nothing to pad": lambda bands: mmcv_transforms.Pad(size=(11, 9)),
    "mmseg.PhotoMetricDistortion": lambda bands: mmseg_transforms.PhotoMetricDistortion(),
    "mmseg.RandomCutOut": lambda bands: mmseg_transforms.RandomCutOut(prob=1.0, n_holes=1, cutout_shape=(3, 3)),
    "mmpretrain.RandomErasing": lambda bands: mmpretrain_transforms.RandomErasing(erase_prob=1.0),
    "mmpretrain.GaussianBlur": lambda bands: mmpretrain_transforms.GaussianBlur(radius=1.0, prob=1.0),
    "mmpretrain.ColorJitter": lambda bands: mmpretrain_transforms.ColorJitter(brightness=0.3),
}


def works(build: Callable, sample: dict) -> bool:
    """Whether a transform runs; what it raises differs between versions of OpenCV and Pillow."""
    seed_everything(0)
    try:
        with DefaultScope.overwrite_default_scope("mmengine"):  # whatever ran before in this process
            build(sample["img"].shape[2])(sample)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", FAIL_BEYOND_128)
def test_ends_at_128_bands(name: str) -> None:
    """The limit is OpenCV's number of channels."""
    found = {
        n: works(FAIL_BEYOND_128[name], make_sample(n, dtype="float32", nodata=False)) for n in (4, 32, 128, *MANY)
    }
    assert found == {4: True, 32: True, 128: True, 204: False, 430: False}


@pytest.mark.parametrize("name", FAIL_BEYOND_4)
def test_ends_at_four_bands(name: str) -> None:
    for bands in (5, 32, *MANY):
        assert not works(FAIL_BEYOND_4[name], make_sample(bands, dtype="float32", nodata=False))


def test_mmcv_resize_leaves_validity_behind() -> None:
    result = mmcv_transforms.Resize(scale=(6, 4))(make_sample(32, dtype="float32", nodata=False))
    assert result["gt_seg_map"].shape == (4, 6)
    assert result["valid"].shape == (9, 11)


def test_mmpretrain_solarize_does_nothing_to_reflectance(bands: int) -> None:
    sample = make_sample(bands, dtype="float32", nodata=False)
    sample["img"] /= 10000
    result = mmpretrain_transforms.Solarize(thr=128, prob=1.0)(dict(sample))
    np.testing.assert_array_equal(result["img"], sample["img"])


def test_mmseg_photometric_distortion_loses_the_fourth_band() -> None:
    seed_everything(0)
    shapes = {
        mmseg_transforms.PhotoMetricDistortion()(make_sample(4, dtype="float32", nodata=False))["img"].shape[2]
        for _ in range(10)
    }
    assert 3 in shapes
