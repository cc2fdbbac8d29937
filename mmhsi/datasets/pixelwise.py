"""Transforms that treat every pixel alike, so that a scene can be transformed once, as a whole or in parts."""

from __future__ import annotations

from collections.abc import Sequence

from mmhsi.errors import ConfigError
from mmhsi.io import HSICube
from mmhsi.io.files import reason
from mmhsi.registry import TRANSFORMS

PIXELWISE = (
    "SelectBands",
    "RemoveBadBands",
    "SpectralResample",
    "BandResample",
    "PCAProject",
    "ScaleReflectance",
    "Standardize",
)
"""Registered transforms whose result for a pixel depends on that pixel alone."""


WHOLE_IMAGE = ("MinMaxScale", "StandardizeScene")
"""Registered transforms that change every value by what the whole image or scene holds."""


def value_transforms(pipeline: Sequence[object]) -> list[dict]:
    """The steps of a pipeline without which a model would be given other values than in training.

    Args:
        pipeline: Configs of transforms; those that are objects already are left out.

    Returns:
        Plain configs of the steps named in :data:`PIXELWISE` and :data:`WHOLE_IMAGE`, in order.
    """
    steps = [step for step in pipeline if isinstance(step, dict)]
    return [dict(step) for step in steps if step["type"] in PIXELWISE + WHOLE_IMAGE]


def transform_cube(cube: HSICube, transforms: Sequence[dict]) -> HSICube:
    """Apply transforms to a cube.

    Args:
        cube: (H, W, C).
        transforms: Configs of transforms named in :data:`PIXELWISE`.

    Returns:
        The transformed cube; ``cube`` itself without transforms. Its pixels without data are those of ``cube.valid()``
        before, their values mean nothing.

    Raises:
        ConfigError: If a transform is not pixel-wise.
    """
    if not transforms:
        return cube
    for transform in transforms:
        if transform["type"] not in PIXELWISE:
            raise ConfigError(
                f"transforms: {transform['type']} depends on more than one pixel, expected one of "
                f"{', '.join(PIXELWISE)}"
            )
    results: dict = dict(
        img=cube.data,
        valid=cube.valid(),
        wavelengths=cube.wavelengths,
        fwhm=cube.fwhm,
        img_path=cube.name,
        img_shape=cube.data.shape[:2],
    )
    for transform in transforms:
        try:
            step = TRANSFORMS.build(dict(transform))
        except TypeError as error:
            raise ConfigError(f"transforms: {transform}: {reason(error)}") from error
        results = step(results)
    return HSICube(
        results["img"],
        wavelengths=results["wavelengths"],
        fwhm=results["fwhm"],
        crs=cube.crs,
        transform=cube.transform,
        name=cube.name,
    )
