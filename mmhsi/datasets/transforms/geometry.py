"""Flips, quarter turns and crops of N-band arrays, labels and validity kept in step."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import TRANSFORMS

SPATIAL_KEYS = ("img", "gt_seg_map", "valid")
"""Arrays of a results dict whose first two axes are rows and columns."""


@TRANSFORMS.register_module()
class RandomDihedral(BaseTransform):
    """One of the 8 symmetries of the square, at random: seen from above, a scene has no preferred direction.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``valid``, ``img_shape``.

    Args:
        prob: Probability of drawing a symmetry at all, among which is the identity. Default 1.
    """

    def __init__(self, prob: float = 1.0) -> None:
        if not 0 <= prob <= 1:
            raise ConfigError(f"RandomDihedral: prob={prob} given, expected 0 to 1")
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Turn and flip."""
        if np.random.rand() >= self.prob:
            return results
        turns, flip = np.random.randint(4), np.random.randint(2)
        for key in SPATIAL_KEYS:
            if key in results:
                array = results[key][:, ::-1] if flip else results[key]
                results[key] = np.rot90(array, turns)
        results["img_shape"] = results["img"].shape[:2]
        return results

    def __repr__(self) -> str:
        return f"RandomDihedral(prob={self.prob})"


@TRANSFORMS.register_module()
class RandomWindow(BaseTransform):
    """Cut a window of a fixed size at a random place.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``valid``, ``img_shape``.

    Args:
        size: Side, or (height, width), in pixels.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])

    def transform(self, results: dict) -> dict:
        """Cut the window.

        Raises:
            DataError: If the image is smaller than the window.
        """
        (height, width), (h, w) = results["img"].shape[:2], self.size
        if h > height or w > width:
            raise DataError(f"{results.get('img_path')}: RandomWindow of {h} × {w} exceeds the tile of {height} × {width}")
        top, left = np.random.randint(height - h + 1), np.random.randint(width - w + 1)
        for key in SPATIAL_KEYS:
            if key in results:
                results[key] = results[key][top : top + h, left : left + w]
        results["img_shape"] = self.size
        return results

    def __repr__(self) -> str:
        return f"RandomWindow(size={self.size})"
