"""Resizing of N-band images, labels and validity kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from mmhsi.arguments import check_choice, check_number, size_pair
from mmhsi.errors import ConfigError
from mmhsi.io.transposing import planes_of
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, require_one_grid, valid_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Interpolation: TypeAlias = Literal["bilinear", "bicubic"]


def nearest_pixels(length: int, wanted: int) -> NDArray[np.intp]:
    """Source pixel whose area holds the centre of each target pixel, along one axis.

    Args:
        length: Source pixels.
        wanted: Target pixels.

    Returns:
        Indices, shape (wanted,).
    """
    return ((2 * np.arange(wanted) + 1) * length) // (2 * wanted)


def resize_map(values: NDArray, size: tuple[int, int]) -> NDArray:
    """Resize labels or validity by nearest neighbours, in their dtype.

    Args:
        values: Shape (H, W, …).
        size: (h, w) wanted.

    Returns:
        Array of shape (h, w, …).
    """
    return values[nearest_pixels(values.shape[0], size[0])[:, None], nearest_pixels(values.shape[1], size[1])]


def _meets_nodata(valid: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Target pixels with a pixel without data among those that a bicubic kernel reaches, (h, w)."""
    reach = []
    for length, wanted in zip(valid.shape, size, strict=True):
        step = length / wanted
        distance = np.arange(length) + 0.5 - (np.arange(wanted)[:, None] + 0.5) * step
        reach.append((np.abs(distance) < 2 * max(step, 1)).astype(np.float32))  # (wanted, length)
    return reach[0] @ ~valid @ reach[1].T > 0


def _interpolate(planes: NDArray[np.float32], size: tuple[int, int], mode: Interpolation) -> NDArray[np.float32]:
    """Pixel centres at half-integers; when shrinking, the kernel widens with the factor (antialias)."""
    if mode == "bilinear" and planes.shape[1] <= size[0] and planes.shape[2] <= size[1]:
        larger = np.empty((len(planes), *size), np.float32)
        for plane, out in zip(planes, larger, strict=True):  # OpenCV gives the same, two to three times as fast
            cv2.resize(plane, size[::-1], dst=out, interpolation=cv2.INTER_LINEAR)
        return larger
    images = torch.from_numpy(planes)[None]
    return F.interpolate(images, size=size, mode=mode, align_corners=False, antialias=True)[0].numpy()


def resize_cube(
    cube: NDArray, valid: NDArray[np.bool_], size: tuple[int, int], interpolation: Interpolation = "bilinear"
) -> NDArray[np.float32]:
    """Resize an image so that pixels without data do not bleed into others.

    A target pixel is valid where its nearest source pixel is, as its label is that pixel's label (:func:`resize_map`).
    A valid one is the mean of the *valid* source pixels under the kernel, by the kernel's weights: Σ w·v·x / Σ w·v
    (normalised convolution). The bicubic kernel has negative weights, with which that quotient can explode: where it
    reaches a pixel without data, the bilinear quotient stands in. Pixels without data come out as 0.

    Args:
        cube: Shape (H, W, C), any real dtype, any number of bands; NaN allowed where it is not valid.
        valid: Pixels that hold data, (H, W).
        size: (h, w) wanted.
        interpolation: ``'bilinear'`` or ``'bicubic'`` (a = −0.5), antialiased.

    Returns:
        float32 array of shape (h, w, C), a view of (C, h, w) in memory order.
    """
    complete = bool(valid.all())
    planes = planes_of(cube if complete else np.where(valid[..., None], cube, 0)).astype(np.float32, copy=False)
    if complete:
        out = _interpolate(planes, size, interpolation)
    else:
        # The nearest source pixel has a positive weight, so no valid target is divided by 0.
        weight = _interpolate(valid.astype(np.float32)[None], size, "bilinear").clip(1e-6)
        out = _interpolate(planes, size, "bilinear")
        out /= weight
        if interpolation == "bicubic":
            untouched = ~_meets_nodata(valid, size)
            out[:, untouched] = _interpolate(planes, size, "bicubic")[:, untouched]
        out *= resize_map(valid, size)
    return out.transpose(1, 2, 0)  # (C, h, w) -> (h, w, C)


def resize_results(results: dict, size: tuple[int, int], interpolation: Interpolation) -> dict:
    """Resize every spatial array of a results dict.

    Args:
        results: The sample.
        size: (height, width) in pixels.
        interpolation: Of the image; labels take the nearest pixel.
    """
    require_one_grid(results)
    results["img"] = resize_cube(results["img"], valid_mask(results), size, interpolation)
    for key in ("gt_seg_map", "valid"):
        if key in results:
            results[key] = resize_map(results[key], size)
    results["img_shape"] = size
    return results


@TRANSFORMS.register_module()
class Resize(CubeTransform):
    """Resize to a fixed size or by a factor; mmcv's Resize ends at 128 bands.

    Image, labels and validity are resized by the rules of :func:`resize_cube`.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img`` float32, ``gt_seg_map``, ``valid``, ``img_shape``.

    Args:
        size: Side, or (height, width), in pixels; the aspect ratio is not kept. mmcv's ``scale`` is (width, height).
        scale_factor: Instead: factor of both sides, the result rounded, at least 1 pixel.
        interpolation: ``'bilinear'`` (default) or ``'bicubic'``, antialiased.

    Raises:
        ConfigError: If not exactly one of size and scale_factor is given, or a value cannot work.
    """

    scope = "image"

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | None = None,
        interpolation: Interpolation = "bilinear",
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ConfigError("Resize: give either size or scale_factor")
        self.size = None if size is None else size_pair("Resize", size)
        self.scale_factor = scale_factor
        if scale_factor is not None and check_number("Resize", "scale_factor", scale_factor, 0) == 0:
            raise ConfigError("Resize: scale_factor=0 given, expected a factor above 0")
        self.interpolation = check_choice("Resize", "interpolation", interpolation, ("bilinear", "bicubic"))

    def transform(self, results: dict) -> dict:
        """Resize."""
        size = self.size
        if size is None:
            height, width = results["img"].shape[:2]
            factor = self.scale_factor or 1.0
            size = (max(round(height * factor), 1), max(round(width * factor), 1))
        return resize_results(results, size, self.interpolation)
