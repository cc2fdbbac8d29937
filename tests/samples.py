"""Small samples as the loaders give them to transforms."""

from __future__ import annotations

import numpy as np

HEIGHT, WIDTH = 9, 11
NODATA = -9999


def make_sample(
    bands: int,
    height: int = HEIGHT,
    width: int = WIDTH,
    dtype: str = "int16",
    nodata: bool = True,
    labels: bool = True,
) -> dict:
    """A results dict; with nodata, a corner and a pixel in the middle hold -9999 (float: NaN) and label 255."""
    rng = np.random.default_rng(bands)
    image = rng.integers(100, 9000, (height, width, bands)).astype(dtype)
    valid = np.ones((height, width), dtype=bool)
    classes = rng.integers(0, 4, (height, width)).astype(np.int64)
    if nodata:
        valid[:3, :2] = False
        valid[height // 2, width // 2] = False
        image[~valid] = np.nan if image.dtype.kind == "f" else NODATA
        classes[~valid] = 255
    sample = dict(
        img=image,
        valid=valid,
        wavelengths=np.linspace(400.0, 2500.0, bands),
        fwhm=np.linspace(5.0, 12.0, bands),
        img_shape=(height, width),
        ori_shape=(height, width),
        img_path="folder/tile.tif",
        seg_fields=["valid"],
    )
    if labels:
        sample["gt_seg_map"] = classes
        sample["seg_fields"] = ["valid", "gt_seg_map"]
    return sample


def tagged(bands: int, height: int = HEIGHT, width: int = WIDTH, dtype: str = "int32") -> dict:
    """A sample whose every pixel tells where it was: image, labels and validity carry the same pixel number."""
    number = np.arange(height * width).reshape(height, width)
    sample = make_sample(bands, height, width, dtype, nodata=False)
    sample["img"] = (number[..., None] * 1000 + np.arange(bands)).astype(dtype)
    sample["gt_seg_map"] = number.astype(np.int64) % 250
    sample["valid"] = number % 3 != 0
    return sample
