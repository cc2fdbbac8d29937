"""Windows, told from the pixel numbers that a tagged sample carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import tagged

from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import CenterCrop, RandomResizedCrop, RandomWindow
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable


def place(result: dict, width: int = 11) -> tuple[int, int]:
    """(row, column) that the upper left pixel came from."""
    return divmod(int(result["img"][0, 0, 0]) // 1000, width)


def check_window(result: dict, sample: dict, row: int, column: int, height: int, width: int) -> None:
    for key in ("img", "gt_seg_map", "valid"):
        expected = np.array([[sample[key][row + r, column + c] for c in range(width)] for r in range(height)])
        np.testing.assert_array_equal(result[key], expected)
        assert result[key].dtype == sample[key].dtype
    assert result["img_shape"] == (height, width)


@pytest.mark.parametrize(("size", "height", "width"), [(5, 5, 5), ((9, 2), 9, 2), ([1, 11], 1, 11)])
def test_random_window(bands: int, size: int | tuple, height: int, width: int) -> None:
    sample = tagged(bands)
    seed_everything(0)
    places = set()
    for _ in range(150):
        result = RandomWindow(size)(dict(sample))
        check_window(result, sample, *place(result), height, width)
        places.add(place(result))
    rows, columns = 9 - height + 1, 11 - width + 1
    assert {row for row, _ in places} == set(range(rows))
    assert {column for _, column in places} == set(range(columns))


def test_center_crop(bands: int) -> None:
    sample = tagged(bands)
    check_window(CenterCrop((5, 3))(dict(sample)), sample, 2, 4, 5, 3)
    check_window(CenterCrop(4)(dict(sample)), sample, 2, 3, 4, 4)  # 5 rows and 7 columns go: 2 and 3 from above, left
    check_window(CenterCrop((9, 11))(dict(sample)), sample, 0, 0, 9, 11)


@pytest.mark.parametrize("transform", [RandomWindow((10, 4)), RandomWindow((4, 12)), CenterCrop(10)])
def test_larger_than_the_image(transform: Callable) -> None:
    with pytest.raises(DataError, match=r"^folder/tile\.tif: .* exceeds the tile of 9 x 11"):
        transform(tagged(4))


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_small_image_is_padded(bands: int, mode: str) -> None:
    sample = tagged(bands)
    result = RandomWindow((12, 11), pad_if_needed=True, pad_mode=mode)(dict(sample))
    np.testing.assert_array_equal(result["img"][:9], sample["img"])
    np.testing.assert_array_equal(result["valid"][:9], sample["valid"])
    np.testing.assert_array_equal(result["gt_seg_map"][:9], sample["gt_seg_map"])
    mirrored = [7, 6, 5]
    np.testing.assert_array_equal(result["img"][9:], sample["img"][mirrored] if mode == "reflect" else 0)
    np.testing.assert_array_equal(result["valid"][9:], sample["valid"][mirrored] if mode == "reflect" else False)
    assert (result["gt_seg_map"][9:] == 255).all()
    assert result["img"].dtype == sample["img"].dtype


def test_padding_leaves_a_larger_image_alone() -> None:
    result = RandomWindow(9, pad_if_needed=True)(tagged(4))
    assert (result["img"][:, :, 0] // 1000 == np.arange(99).reshape(9, 11)[:, place(result)[1] :][:, :9]).all()


def slow_share(labels: np.ndarray) -> float:
    counted = [int(label) for label in labels.ravel() if label != 255]
    return max(counted.count(c) for c in set(counted)) / len(counted) if counted else 1.0


def test_class_balance_is_sought() -> None:
    """Class 1 covers all but two columns; windows that see them are 1 in 4, so ten draws nearly always find one."""
    sample = tagged(4, 8, 40)
    sample["gt_seg_map"] = np.ones((8, 40), dtype=np.int64)
    sample["gt_seg_map"][:, 20:22] = 0
    sample["gt_seg_map"][0] = 255
    seed_everything(0)
    free = [slow_share(RandomWindow(8)(dict(sample))["gt_seg_map"]) for _ in range(200)]
    balanced = [slow_share(RandomWindow(8, cat_max_ratio=0.9)(dict(sample))["gt_seg_map"]) for _ in range(200)]
    assert 20 <= sum(share < 0.9 for share in free) <= 90
    assert sum(share < 0.9 for share in balanced) >= 165  # 1 - 0.76 ** 10 = 0.94 of 200


def test_class_balance_ignores_unlabelled_pixels() -> None:
    """Two labelled pixels of one class are a share of 1, however many pixels carry no label."""
    sample = tagged(4, 4, 40)
    labels = np.full((4, 40), 255, dtype=np.int64)
    labels[:, :30] = 7
    labels[0, 30:] = [1, 2] * 5
    sample["gt_seg_map"] = labels
    seed_everything(0)
    shares = [slow_share(RandomWindow(4, cat_max_ratio=0.75)(dict(sample))["gt_seg_map"]) for _ in range(100)]
    assert sum(share < 0.75 for share in shares) >= 80


def test_without_a_balanced_window_one_is_taken_all_the_same() -> None:
    sample = {**tagged(4), "gt_seg_map": np.full((9, 11), 255, dtype=np.int64)}
    assert RandomWindow(5, cat_max_ratio=0.5)(sample)["img"].shape == (5, 5, 4)


def test_valid_share_is_sought() -> None:
    sample = tagged(4, 8, 40)
    sample["valid"] = np.zeros((8, 40), dtype=bool)
    sample["valid"][:, 30:] = True
    seed_everything(0)
    free = [RandomWindow(8)(dict(sample))["valid"].mean() for _ in range(200)]
    sought = [RandomWindow(8, min_valid=0.5)(dict(sample))["valid"].mean() for _ in range(200)]
    assert sum(share >= 0.5 for share in free) < 80
    assert sum(share >= 0.5 for share in sought) >= 165


def test_class_balance_needs_labels() -> None:
    sample = tagged(4)
    del sample["gt_seg_map"]
    with pytest.raises(DataError, match=r"^folder/tile\.tif: cat_max_ratio of RandomWindow needs labels"):
        RandomWindow(4, cat_max_ratio=0.5)(sample)


def test_resized_crop_of_everything_is_a_resize(bands: int) -> None:
    """A window of all and one pixel to one pixel: nothing may change."""
    sample = tagged(bands)
    sample["valid"][:] = True
    result = RandomResizedCrop((9, 11), scale=(1, 1), ratio=(11 / 9, 11 / 9))(dict(sample))
    np.testing.assert_allclose(result["img"], sample["img"], rtol=1e-6)
    np.testing.assert_array_equal(result["gt_seg_map"], sample["gt_seg_map"])
    assert result["img"].dtype == np.float32


def test_resized_crop_draws_area_and_shape(bands: int) -> None:
    """Image bands that grow linearly tell the window's extent after the resize."""
    height, width = 60, 80
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    image = np.repeat(rows[..., None], bands, axis=2)
    image[..., 1] = columns
    labels = (rows * width + columns).astype(np.int64)
    seed_everything(0)
    areas, ratios, centres = [], [], []
    for _ in range(60):
        sample = dict(img=image, gt_seg_map=labels, valid=np.ones((height, width), dtype=bool))
        result = RandomResizedCrop(8, scale=(0.1, 0.3), ratio=(0.5, 2))(sample)
        assert result["img"].shape == (8, 8, bands)
        inner = result["img"][2:6, 2:6]  # away from the borders, where the kernel is cut
        h, w = (inner[3, 0, 0] - inner[0, 0, 0]) / 3 * 8, (inner[0, 3, 1] - inner[0, 0, 1]) / 3 * 8
        areas.append(h * w / (height * width))
        ratios.append(w / h)
        centres.append(inner.mean(axis=(0, 1))[:2])
        # Labels come from pixels no farther than half a target pixel from where the image came from.
        source = np.stack(np.divmod(result["gt_seg_map"], width), axis=-1)[2:6, 2:6]
        assert (np.abs(source - inner[..., :2]) <= 0.51).all()
    assert 0.09 < min(areas) < 0.14
    assert 0.26 < max(areas) < 0.31
    assert 0.45 < min(ratios) < 0.75
    assert 1.4 < max(ratios) < 2.2
    assert np.ptp(centres, axis=0).min() > 20


def test_resized_crop_of_a_strip_takes_the_largest_window() -> None:
    """No window of 90 % of a 2 x 40 strip is nearly square: 2 x 2 pixels in its middle are left."""
    sample = tagged(4, 2, 40)
    result = RandomResizedCrop(2, scale=(0.9, 1), ratio=(1, 1))(dict(sample))
    np.testing.assert_array_equal(result["gt_seg_map"], sample["gt_seg_map"][:, 19:21])
    np.testing.assert_array_equal(result["valid"], sample["valid"][:, 19:21])
