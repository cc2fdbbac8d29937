"""Flips and quarter turns of N-band arrays, labels and validity kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mmcv import imflip
from mmcv.transforms import RandomFlip as MMCVRandomFlip

from mmhsi.arguments import check_number
from mmhsi.errors import ConfigError
from mmhsi.registry import TRANSFORMS

from .common import SPATIAL_KEYS, CubeTransform, forwards, generator

if TYPE_CHECKING:
    from collections.abc import Sequence


@TRANSFORMS.register_module()
class RandomDihedral(CubeTransform):
    """One of the 8 symmetries of the square, at random: seen from above, a scene has no preferred direction.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``gt_values``, ``valid``, ``img_shape``.

    Args:
        prob: Probability of drawing a symmetry at all, among which is the identity. Default 1.

    Raises:
        ConfigError: If prob is no probability.
    """

    scope = "random"

    def __init__(self, prob: float = 1.0) -> None:
        self.prob = check_number("RandomDihedral", "prob", prob, 0, 1)

    def transform(self, results: dict) -> dict:
        """Turn and flip."""
        random = generator()
        if random.random() >= self.prob:
            return results
        turns, flip = int(random.integers(4)), bool(random.integers(2))
        for key in SPATIAL_KEYS:
            if key in results:
                array = results[key][:, ::-1] if flip else results[key]
                results[key] = forwards(np.rot90(array, turns))
        results["img_shape"] = results["img"].shape[:2]
        return results


@TRANSFORMS.register_module()
class RandomFlip(MMCVRandomFlip):
    """mmcv's RandomFlip, which works on any number of bands, with ``valid`` and ``gt_values`` flipped along.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``gt_values``, ``valid``.

    Added keys: ``flip``, ``flip_direction``.

    Args:
        prob: Probability of a flip, a float, or a list of one for each direction.
        direction: ``'horizontal'`` (default), ``'vertical'``, ``'diagonal'`` (both), or a list of them.

    Raises:
        ConfigError: If mmcv refuses the arguments.
    """

    scope = "random"

    def __init__(
        self, prob: float | Sequence[float] | None = None, direction: str | Sequence[str] = "horizontal"
    ) -> None:
        try:
            super().__init__(prob=prob, direction=direction)
        except (AssertionError, TypeError, ValueError):
            raise ConfigError(
                f"RandomFlip: prob={prob!r}, direction={direction!r} given, expected a float from 0 to 1 and "
                "'horizontal', 'vertical', 'diagonal', or lists of both"
            ) from None

    def _flip(self, results: dict) -> None:
        super()._flip(results)
        for key in ("valid", "gt_values"):  # which mmcv does not know
            if key in results:
                results[key] = imflip(results[key], direction=results["flip_direction"])
        results.update({key: forwards(results[key]) for key in SPATIAL_KEYS if key in results})
