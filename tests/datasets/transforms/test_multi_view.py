"""Several views of one image, and their packing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from samples import make_sample, tagged

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import MultiView, PackViews, RandomWindow, SelectBands
from mmhsi.errors import DataError

GLOBAL = [
    dict(type="RandomResizedCrop", size=8, scale=(0.32, 1.0)),
    dict(type="RandomFlip", prob=0.5),
    dict(type="BandJitter"),
    dict(type="GaussianBlur"),
]
LOCAL = [dict(type="RandomResizedCrop", size=4, scale=(0.05, 0.32)), dict(type="Solarize", quantile=0.5)]


def views(sample: dict, seed: int) -> dict:
    seed_everything(seed)
    return PackViews()(MultiView([GLOBAL, LOCAL], num_views=[2, 3])(dict(sample)))


def test_packed_format(bands: int) -> None:
    packed = views(make_sample(bands), 0)
    assert set(packed) == {"inputs", "valid", "data_samples"}
    assert [tuple(view.shape) for view in packed["inputs"]] == [(bands, 8, 8)] * 2 + [(bands, 4, 4)] * 3
    assert [tuple(mask.shape) for mask in packed["valid"]] == [(8, 8)] * 2 + [(4, 4)] * 3
    assert all(view.dtype == torch.float32 and view.is_contiguous() for view in packed["inputs"])
    assert all(mask.dtype == torch.bool for mask in packed["valid"])
    assert packed["data_samples"].img_path == "folder/tile.tif"
    assert packed["data_samples"].ori_shape == (9, 11)


def test_deterministic_under_a_seed(bands: int) -> None:
    sample = make_sample(bands)
    first, again, other = views(sample, 7), views(sample, 7), views(sample, 8)
    for a, b in zip(first["inputs"] + first["valid"], again["inputs"] + again["valid"], strict=True):
        assert torch.equal(a, b)
    assert not any(torch.equal(a, b) for a, b in zip(first["inputs"], other["inputs"], strict=True))


def test_views_differ_and_the_image_stays(bands: int) -> None:
    sample = make_sample(bands)
    before = {key: np.array(sample[key], copy=True) for key in ("img", "valid", "gt_seg_map")}
    packed = views(sample, 0)["inputs"]
    assert not torch.equal(packed[0], packed[1])
    assert not torch.equal(packed[2], packed[3])
    for key, value in before.items():
        np.testing.assert_array_equal(sample[key], value)
    assert sample["seg_fields"] == ["valid", "gt_seg_map"]


def test_views_hold_what_their_windows_show() -> None:
    """Raw integers, and the transposition into (C, h, w), told by the pixel numbers."""
    sample = tagged(204)
    seed_everything(0)
    packed = PackViews()(MultiView([[RandomWindow((3, 4))]], num_views=4)(dict(sample)))
    assert len(packed["inputs"]) == 4
    for view, mask in zip(packed["inputs"], packed["valid"], strict=True):
        row, column = divmod(int(view[0, 0, 0]) // 1000, 11)
        expected = [
            [[(11 * (row + r) + column + c) * 1000 + b for c in range(4)] for r in range(3)] for b in range(204)
        ]
        np.testing.assert_array_equal(view, expected)
        np.testing.assert_array_equal(mask, sample["valid"][row : row + 3, column : column + 4])
        assert view.dtype == torch.int32


def test_a_view_does_not_see_what_another_did() -> None:
    """Each pipeline starts from the loaded sample: bands dropped in one are there in the next."""
    result = MultiView([[SelectBands(indices=[0])], [SelectBands(indices=[3, 2])]], num_views=1)(make_sample(4))
    assert [len(view["wavelengths"]) for view in result["views"]] == [1, 2]


def test_lists_are_not_shared() -> None:
    def append(results: dict) -> dict:
        results["seg_fields"].append("x")
        return results

    result = MultiView([[append]], num_views=2)(make_sample(4, labels=False))
    assert [view["seg_fields"] for view in result["views"]] == [["valid", "x"]] * 2


def test_collated_by_view() -> None:
    batch = pseudo_collate([views(make_sample(4), seed) for seed in range(3)])
    assert len(batch["inputs"]) == 5
    assert [len(view) for view in batch["inputs"]] == [3] * 5
    assert torch.equal(batch["inputs"][4][2], views(make_sample(4), 2)["inputs"][4])
    assert torch.equal(batch["valid"][1][0], views(make_sample(4), 0)["valid"][1])


def test_validity_may_be_unknown() -> None:
    sample = make_sample(4, nodata=False)
    del sample["valid"]
    assert all(mask.all() for mask in views(sample, 0)["valid"])


def test_a_pipeline_that_returns_nothing() -> None:
    with pytest.raises(DataError, match=r"^folder/tile\.tif: .* of MultiView returned nothing"):
        MultiView([[lambda results: None]], num_views=1)(make_sample(4))


def test_packing_without_views() -> None:
    with pytest.raises(DataError, match=r"^folder/tile\.tif: PackViews found no views; MultiView has to come before"):
        PackViews()(make_sample(4))
