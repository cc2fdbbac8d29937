"""Windows of N-band images, labels and validity kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_choice, check_interval, check_number, size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import TRANSFORMS

from ..label_table import IGNORE_INDEX
from .common import SPATIAL_KEYS, CubeTransform, generator, require_one_grid, source, valid_mask
from .padding import PadMode, pad_results
from .resizing import Interpolation, resize_results

if TYPE_CHECKING:
    from collections.abc import Sequence

ATTEMPTS = 10
"""Draws of a window before the last one is taken as it is; mmseg's number."""


def crop_results(results: dict, top: int, left: int, height: int, width: int) -> dict:
    """Cut a window out of every spatial array of a results dict; no value is copied."""
    require_one_grid(results)
    for key in SPATIAL_KEYS:
        if key in results:
            results[key] = results[key][top : top + height, left : left + width]
    results["img_shape"] = (height, width)
    return results


def _require_larger(owner: str, results: dict, size: tuple[int, int]) -> None:
    height, width = results["img"].shape[:2]
    if size[0] > height or size[1] > width:
        raise DataError(
            f"{source(results)}: {owner} of {size[0]} x {size[1]} exceeds the tile of {height} x {width}; "
            f"{'pad_if_needed=True' if owner == 'RandomWindow' else 'Pad before it'} would fill it up"
        )


def largest_share(labels: np.ndarray) -> float:
    """Share of the most frequent class among the labelled pixels; 1 where none is labelled.

    Args:
        labels: Class indices, shape (H, W), 255 where there is no label.
    """
    counts = np.bincount(labels[labels != IGNORE_INDEX].ravel())
    return float(counts.max() / counts.sum()) if counts.size else 1.0


@TRANSFORMS.register_module()
class RandomWindow(CubeTransform):
    """Cut a window of a fixed size at a random place, in the image's dtype.

    With ``cat_max_ratio`` or ``min_valid`` a window that fails them is drawn anew; the tenth draw is taken as it is.

    Required keys: ``img`` (H, W, C); ``gt_seg_map`` for ``cat_max_ratio``.

    Modified keys: ``img``, ``gt_seg_map``, ``valid``, ``img_shape``. Added, where padded: ``valid``.

    Args:
        size: Side, or (height, width), in pixels.
        cat_max_ratio: Share of the labelled pixels of a window that its most frequent class has to stay below; a window
            without labels counts as one class. Default 1: any window.
        min_valid: Share of a window's pixels that have to hold data. Default 0.
        pad_if_needed: Whether a smaller image is padded at its lower and right edge; else it is an error (default).
        pad_mode: How, see :class:`Pad`. Default ``'constant'``.

    Raises:
        ConfigError: If a value cannot work.
    """

    scope = "random"

    def __init__(
        self,
        size: int | Sequence[int],
        cat_max_ratio: float = 1.0,
        min_valid: float = 0.0,
        pad_if_needed: bool = False,
        pad_mode: PadMode = "constant",
    ) -> None:
        self.size = size_pair("RandomWindow", size)
        self.cat_max_ratio = check_number("RandomWindow", "cat_max_ratio", cat_max_ratio, 0, 1)
        if cat_max_ratio == 0:
            raise ConfigError("RandomWindow: cat_max_ratio=0 given, no window could have so small a share")
        self.min_valid = check_number("RandomWindow", "min_valid", min_valid, 0, 1)
        self.pad_if_needed = pad_if_needed
        self.pad_mode = check_choice("RandomWindow", "pad_mode", pad_mode, ("constant", "reflect"))

    def _passes(self, results: dict, top: int, left: int) -> bool:
        window = np.s_[top : top + self.size[0], left : left + self.size[1]]
        if self.cat_max_ratio < 1 and largest_share(results["gt_seg_map"][window]) >= self.cat_max_ratio:
            return False
        return self.min_valid == 0 or bool(valid_mask(results)[window].mean() >= self.min_valid)

    def transform(self, results: dict) -> dict:
        """Cut the window.

        Raises:
            DataError: If the image is smaller than the window and not padded, or labels are needed and absent.
        """
        if self.cat_max_ratio < 1 and "gt_seg_map" not in results:
            raise DataError(
                f"{source(results)}: cat_max_ratio of RandomWindow needs labels; LoadLabels has to come first"
            )
        if self.pad_if_needed:
            height, width = results["img"].shape[:2]
            below, right = max(self.size[0] - height, 0), max(self.size[1] - width, 0)
            results = pad_results(results, below, right, self.pad_mode)
        _require_larger("RandomWindow", results, self.size)
        (height, width), (h, w) = results["img"].shape[:2], self.size
        random = generator()
        for _ in range(ATTEMPTS):
            top, left = int(random.integers(height - h + 1)), int(random.integers(width - w + 1))
            if self._passes(results, top, left):
                break
        return crop_results(results, top, left, *self.size)


@TRANSFORMS.register_module()
class CenterCrop(CubeTransform):
    """Cut the window in the middle, in the image's dtype; an odd margin leaves its larger half below and to the right.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``valid``, ``img_shape``.

    Args:
        size: Side, or (height, width), in pixels.

    Raises:
        ConfigError: If size is no size.
    """

    scope = "image"
    changes_values = False

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("CenterCrop", size)

    def transform(self, results: dict) -> dict:
        """Cut the window.

        Raises:
            DataError: If the image is smaller than the window.
        """
        _require_larger("CenterCrop", results, self.size)
        height, width = results["img"].shape[:2]
        return crop_results(results, (height - self.size[0]) // 2, (width - self.size[1]) // 2, *self.size)


@TRANSFORMS.register_module()
class RandomResizedCrop(CubeTransform):
    """Cut a window of random area, shape and place, and bring it to a fixed size.

    Image, labels and validity are resized by the rules of :func:`mmhsi.datasets.transforms.resizing.resize_cube`.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img`` float32, ``gt_seg_map``, ``valid``, ``img_shape``.

    Args:
        size: Side, or (height, width), of the result in pixels.
        scale: (smallest, largest) area of the window as a share of the image's. Default (0.08, 1).
        ratio: (smallest, largest) width / height of the window, drawn on a logarithmic scale. Default (3/4, 4/3).
        interpolation: ``'bilinear'`` (default) or ``'bicubic'``, antialiased.

    Raises:
        ConfigError: If a value cannot work.
    """

    scope = "random"

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: Interpolation = "bilinear",
    ) -> None:
        self.size = size_pair("RandomResizedCrop", size)
        self.scale = check_interval("RandomResizedCrop", "scale", scale, 0, 1)
        self.ratio = check_interval("RandomResizedCrop", "ratio", ratio, 0)
        if self.scale[0] == 0 or self.ratio[0] == 0:
            raise ConfigError("RandomResizedCrop: scale and ratio have to be above 0")
        self.interpolation = check_choice("RandomResizedCrop", "interpolation", interpolation, ("bilinear", "bicubic"))

    def _draw(self, height: int, width: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) of the window."""
        random = generator()
        for _ in range(ATTEMPTS):
            area = height * width * random.uniform(*self.scale)
            ratio = np.exp(random.uniform(*np.log(self.ratio)))
            h, w = max(round(np.sqrt(area / ratio)), 1), max(round(np.sqrt(area * ratio)), 1)
            if h <= height and w <= width:
                return int(random.integers(height - h + 1)), int(random.integers(width - w + 1)), h, w
        # No window of that shape fits a long image: the largest of an allowed shape, in the middle.
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        h, w = max(min(height, round(width / ratio)), 1), max(min(width, round(height * ratio)), 1)
        return (height - h) // 2, (width - w) // 2, h, w

    def transform(self, results: dict) -> dict:
        """Crop and resize."""
        return resize_results(
            crop_results(results, *self._draw(*results["img"].shape[:2])), self.size, self.interpolation
        )
