"""Padding of N-band images, labels and validity kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from mmhsi.arguments import check_choice, check_number, size_pair
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import TRANSFORMS

from ..label_table import IGNORE_INDEX
from .common import CubeTransform, require_one_grid, source, valid_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

PadMode: TypeAlias = Literal["constant", "reflect"]


def pad_results(results: dict, below: int, right: int, mode: PadMode, value: float = 0.0) -> dict:
    """Pad every spatial array of a results dict by rows below and columns to the right.

    Args:
        results: The sample.
        below: Rows to add.
        right: Columns to add.
        mode: How the image is continued.
        value: Of new pixels with ``'constant'``.

    Raises:
        DataError: If the image's dtype cannot hold the value, or labels are finer than it.
    """
    if below == 0 and right == 0:
        return results
    require_one_grid(results)
    image, valid = results["img"], valid_mask(results)
    margins = [(0, below), (0, right)]
    if mode == "reflect":
        results["img"] = np.pad(image, [*margins, (0, 0)], mode="reflect")
        results["valid"] = np.pad(valid, margins, mode="reflect")
    else:
        if image.dtype.kind in "iu":
            limits = np.iinfo(image.dtype)
            if value != int(value) or not limits.min <= value <= limits.max:
                raise DataError(f"{source(results)}: is {image.dtype}, which cannot hold the pad value {value:g}")
        results["img"] = np.pad(image, [*margins, (0, 0)], constant_values=image.dtype.type(value))
        results["valid"] = np.pad(valid, margins, constant_values=False)
    if "gt_seg_map" in results:
        results["gt_seg_map"] = np.pad(results["gt_seg_map"], margins, constant_values=IGNORE_INDEX)
    results["img_shape"] = results["img"].shape[:2]
    return results


@TRANSFORMS.register_module()
class Pad(CubeTransform):
    """Pad below and to the right, in the image's dtype; mmcv's Pad ends at 4 bands.

    Padded labels are 255 in either mode: a mirrored pixel is not a second observation. Padded pixels do not hold data
    (``valid`` False) where they are constant; mirrored ones do if their original does.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img``, ``gt_seg_map``, ``valid`` (added if absent), ``img_shape``.

    Args:
        size: Side, or (height, width), in pixels, to pad up to; a larger side stays as it is.
        divisor: Instead: pad each side up to a multiple of this.
        mode: ``'constant'`` (default) or ``'reflect'``, the edge pixel not repeated.
        value: Value of constant padding. Default 0.

    Raises:
        ConfigError: If not exactly one of size and divisor is given, or a value cannot work.
    """

    scope = "image"
    changes_values = False

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        divisor: int | Sequence[int] | None = None,
        mode: PadMode = "constant",
        value: float = 0.0,
    ) -> None:
        if (size is None) == (divisor is None):
            raise ConfigError("Pad: give either size or divisor")
        self.size = None if size is None else size_pair("Pad", size)
        self.divisor = None if divisor is None else size_pair("Pad", divisor, "divisor")
        self.mode = check_choice("Pad", "mode", mode, ("constant", "reflect"))
        self.value = check_number("Pad", "value", value)

    def transform(self, results: dict) -> dict:
        """Pad.

        Raises:
            DataError: If the image's dtype cannot hold the value.
        """
        sides = results["img"].shape[:2]
        if self.size is not None:
            below, right = (max(wanted - side, 0) for wanted, side in zip(self.size, sides, strict=True))
        else:
            below, right = (-side % step for step, side in zip(self.divisor or (1, 1), sides, strict=True))
        return pad_results(results, below, right, self.mode, self.value)
