"""What the transforms share: randomness, valid pixels, statistics of bands."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from mmcv.transforms import BaseTransform

from mmhsi.errors import DataError
from mmhsi.io.wavelengths import MICROMETRES_BELOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scope: TypeAlias = Literal["pixel", "neighborhood", "image", "random"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

SPATIAL_KEYS = ("img", "gt_seg_map", "gt_values", "valid")
"""Arrays of a results dict whose first two axes are rows and columns."""

BAND_KEYS = ("wavelengths", "fwhm")
"""Values of a results dict that hold one number a band, or None."""


def generator() -> np.random.Generator:
    """A generator seeded by numpy's global one, which the datasets seed for each sample."""
    return np.random.default_rng(np.random.randint(2**32, size=4, dtype=np.uint32))  # noqa: NPY002


def forwards(array: NDArray) -> NDArray:
    """An array, or a copy of one in which an axis of a single pixel runs backwards, as flips leave it.

    To numpy that is contiguous, so that nothing copies it, but torch takes no negative strides.

    Args:
        array: Of any shape.
    """
    backwards = any(size == 1 and stride < 0 for size, stride in zip(array.shape, array.strides, strict=True))
    return array.copy() if backwards else array


class CubeTransform(BaseTransform):
    """Base of the N-band transforms: every constructor argument is an attribute of the same name, and is shown.

    Every class declares its scope; a dataset refuses one that does not. What changes values in training is done to a
    scene before a map is made of it, where its scope is ``'pixel'`` or ``'neighborhood'``; where it is ``'image'``, no
    map is made.

    Attributes:
        scope: ``'pixel'`` if a pixel's result depends on that pixel's bands alone, so that a scene may be transformed
            in parts; such a transform keeps height and width, may change the number of bands, and uses no other keys
            than ``img``, ``valid``, ``wavelengths``, ``fwhm``, ``img_path``, ``img_shape``. ``'neighborhood'`` if it
            depends on the pixels within ``margin`` of it too; it may take a second source. ``'image'`` if it depends on
            all pixels or on more than is in the file. ``'random'`` if it draws numbers: an augmentation, which
            keeps the number of bands and of which a map needs nothing.
        changes_values: Whether pixels have other values afterwards, or stand for other ground. Default True. False for
            what reads, packs, cuts out or pads.
    """

    scope: Scope
    changes_values: bool = True

    @property
    def margin(self) -> int:
        """Pixels in every direction that a pixel's result depends on, where the scope is ``'neighborhood'``."""
        return 0

    @property
    def takes_second(self) -> bool:
        """Whether it needs ``second`` and ``second_scale`` of a sample, and takes them away. Default False."""
        return False

    def fitted(self, arguments: dict) -> dict:
        """Give the arguments by which the transform can be built again where the files that it was fitted in are not.

        Args:
            arguments: Those that it was built from.

        Returns:
            Arguments of plain data, which a checkpoint keeps. Default: those given.
        """
        return arguments

    def __repr__(self) -> str:
        arguments = inspect.signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in arguments)})"


def for_bands(owner: str, name: str, value: float | tuple[float, ...], results: dict) -> NDArray[np.float32]:
    """What :func:`numbers` gave, as an array that broadcasts along the bands of an image.

    Args:
        owner: The transform, for the message.
        name: The argument, for the message.
        value: What :func:`numbers` gave.
        results: The sample.

    Returns:
        Shape (C,), or a scalar.

    Raises:
        DataError: If there is not one number for each band.
    """
    bands = results["img"].shape[2]
    if isinstance(value, tuple) and len(value) != bands:
        raise DataError(f"{source(results)}: has {bands} bands, {name} of {owner} has {len(value)} values")
    return np.asarray(value, dtype=np.float32)


def source(results: dict) -> str:
    """What an error message calls this sample: its file.

    Args:
        results: The sample.
    """
    return str(results.get("img_path", "image"))


def require_one_grid(results: dict) -> None:
    """Refuse labels of another size than the image, such as ``fine_labels`` gives.

    Args:
        results: The sample.

    Raises:
        DataError: If ``gt_seg_map`` has another height or width than ``img``.
    """
    labels, size = results.get("gt_seg_map", results.get("gt_values")), results["img"].shape[:2]
    if labels is not None and labels.shape[:2] != size:
        raise DataError(
            f"{source(results)}: labels of {labels.shape[0]} x {labels.shape[1]} beside an image of {size[0]} x "
            f"{size[1]} cannot be cut, padded or resized with it; leave fine_labels out, or that transform"
        )


def valid_mask(results: dict) -> NDArray[np.bool_]:
    """Pixels that hold data, (H, W); all where nothing is known about it.

    Args:
        results: The sample; ``valid`` (H, W) where nodata exists.
    """
    valid = results.get("valid")
    return np.ones(results["img"].shape[:2], dtype=bool) if valid is None else valid


def valid_spectra(results: dict) -> NDArray:
    """Spectra of the valid pixels, (n, C), in the image's dtype.

    Args:
        results: The sample.
    """
    image, valid = results["img"], valid_mask(results)
    return image.reshape(-1, image.shape[2]) if valid.all() else image[valid]


def band_means(results: dict) -> NDArray[np.float32]:
    """Mean of each band over the valid pixels, (C,); 0 where there is none.

    Args:
        results: The sample.
    """
    spectra = valid_spectra(results)
    if not len(spectra):
        return np.zeros(spectra.shape[1], dtype=np.float32)
    return spectra.mean(axis=0, dtype=np.float64).astype(np.float32)


def band_deviations(results: dict) -> NDArray[np.float32]:
    """Population standard deviation of each band over the valid pixels, (C,); 0 where there is none.

    Args:
        results: The sample.
    """
    spectra = valid_spectra(results)
    if not len(spectra):
        return np.zeros(spectra.shape[1], dtype=np.float32)
    return spectra.std(axis=0, dtype=np.float64).astype(np.float32)


def known_wavelengths(results: dict, owner: str) -> NDArray[np.float64]:
    """Band centres in nm, (C,).

    Args:
        results: The sample.
        owner: The transform, for the message.

    Raises:
        DataError: If they are unknown, do not fit the image, or are given in µm.
    """
    values, bands = results.get("wavelengths"), results["img"].shape[2]
    if values is None:
        raise DataError(f"{source(results)}: has no wavelengths, which {owner} needs")
    wavelengths = np.asarray(values, dtype=np.float64)
    if wavelengths.shape != (bands,) or not np.isfinite(wavelengths).all():
        raise DataError(
            f"{source(results)}: {owner} expected {bands} finite wavelengths, got an array of shape {wavelengths.shape}"
            f"{'' if np.isfinite(wavelengths).all() else ' with NaN or infinity'}"
        )
    if wavelengths.max() < MICROMETRES_BELOW:
        raise DataError(
            f"{source(results)}: wavelengths up to {wavelengths.max():g} look like µm, {owner} expected nm; multiply "
            "them by 1000"
        )
    return wavelengths
