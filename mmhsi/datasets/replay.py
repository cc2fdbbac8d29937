"""Transforms of which a scene in parts, with a margin where they need one, gives what the whole scene does."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, MMHSIError
from mmhsi.io import CubeInfo, HSICube
from mmhsi.io.files import reason
from mmhsi.registry import TRANSFORMS, registered

from .transforms.scene_channels import SceneChannels
from .transforms.scope import CONTAINERS, OTHERS, Transform, ValueStep, declared_scope, package_name, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .transforms.common import Scope

PROBE_SIDE = 8
"""Side in pixels of the made-up image by which the bands that a model sees are found."""

KEEPING_SIZE: tuple[Scope, ...] = ("pixel", "neighborhood")
"""Scopes of what gives an image of the same height and width."""

REFUSED: dict[Scope, str] = {
    "image": "depends on all pixels: a scene in parts would be given other values than in training",
    "random": "draws numbers: what is applied to a scene once is the same for every sample",
}


class Replay:
    """Transforms of scope ``'pixel'`` or ``'neighborhood'``, built once, for any number of cubes.

    Args:
        transforms: Their configs, or the transforms.
        owner: Whose they are, for messages.

    Attributes:
        steps: The transforms with their configs as a checkpoint keeps them.

    Raises:
        ConfigError: If one is not registered, declares no scope or another, or cannot be built.
    """

    def __init__(self, transforms: Sequence[dict | Transform], owner: str) -> None:
        self.owner = owner
        self.steps = [self._step(given) for given in transforms]

    @property
    def transforms(self) -> tuple[dict, ...]:
        """The configs as a checkpoint keeps them, with fitted state."""
        return tuple(step.config for step in self.steps)

    @property
    def margin(self) -> int:
        """Pixels in every direction that a pixel's result depends on."""
        return sum(getattr(step.transform, "margin", 0) for step in self.steps)

    @property
    def takes_second(self) -> bool:
        """Whether a transform needs the second source, and takes it away."""
        return any(getattr(step.transform, "takes_second", False) for step in self.steps)

    def fit(self, cube: HSICube, valid: NDArray[np.bool_], second: NDArray | None = None, scale: int = 1) -> None:
        """Fit those transforms that are fitted to the scene that they are used on, each behind those before it.

        Args:
            cube: The whole scene, (H, W, C).
            valid: Pixels that hold data, (H, W).
            second: Second source, (H · s, W · s, C2), or None.
            scale: s.
        """
        if not any(isinstance(step.transform, SceneChannels) for step in self.steps):
            return
        results = results_of(cube, valid, second, scale)
        for index, step in enumerate(self.steps):
            if isinstance(step.transform, SceneChannels):
                step.transform.fit([(results["img"], valid, results.get("second"), scale)])
                self.steps[index] = step._replace(config=written(self.owner, step.config, step.transform))
            if index + 1 < len(self.steps):
                results = run(self.owner, [step], results)

    def _step(self, given: dict | Transform) -> ValueStep:
        transform = self._built(given) if isinstance(given, dict) else given
        scope = declared_scope(self.owner, transform).scope
        if scope not in ("pixel", "neighborhood"):
            raise self._refusal(type(transform).__name__, scope)
        return ValueStep(written(self.owner, given, transform), transform, scope)

    def _refusal(self, name: str, scope: Scope) -> ConfigError:
        return ConfigError(f"{self.owner}: {name} (scope {scope!r}) {REFUSED[scope]}")

    def _built(self, config: dict) -> Transform:
        name = config.get("type")
        kind = registered(TRANSFORMS, name) if isinstance(name, str) else name
        if not inspect.isclass(kind):
            raise ConfigError(
                f"{self.owner}: transform {name} is not registered; import the module that defines it, such as by "
                "custom_imports of the config"
            )
        # Both before it is built, as the config may be a stranger's: who declares nothing, or builds others from its
        # arguments, may do anything.
        scope = declared_scope(self.owner, kind).scope
        if issubclass(kind, CONTAINERS):
            raise self._refusal(kind.__name__, scope)
        try:
            return TRANSFORMS.build(dict(config))
        except TypeError as error:
            raise ConfigError(f"{self.owner}: transform {name}: {reason(error)}") from error

    def __call__(
        self,
        cube: HSICube,
        valid: NDArray[np.bool_] | None = None,
        second: NDArray | None = None,
        scale: int = 1,
    ) -> HSICube:
        """Apply the transforms.

        Args:
            cube: (H, W, C); of a part of a scene, with :attr:`margin` pixels more where the scene goes on, whose
                results mean nothing.
            valid: Pixels that hold data in every source, (H, W). Default: ``cube.valid()``.
            second: Second source, (H · s, W · s, C2), for transforms that take one.
            scale: s.

        Returns:
            The transformed cube; ``cube`` itself without transforms. Its pixels without data are those of
            ``cube.valid()`` before, their values mean nothing.

        Raises:
            ConfigError: If a transform gives no image of the same height and width.
        """
        if not self.steps:
            return cube
        results = run(self.owner, self.steps, results_of(cube, valid, second if self.takes_second else None, scale))
        return HSICube(
            results["img"],
            wavelengths=results["wavelengths"],
            fwhm=results["fwhm"],
            crs=cube.crs,
            transform=cube.transform,
            name=cube.name,
        )


def results_of(
    cube: HSICube, valid: NDArray[np.bool_] | None = None, second: NDArray | None = None, scale: int = 1
) -> dict:
    """What a transform is given of a scene.

    Args:
        cube: (H, W, C).
        valid: Pixels that hold data in every source, (H, W). Default: ``cube.valid()``.
        second: Second source, (H · s, W · s, C2), or None.
        scale: s.
    """
    finer = {} if second is None else dict(second=second, second_scale=scale)
    return dict(
        img=cube.data,
        valid=cube.valid() if valid is None else valid,
        wavelengths=cube.wavelengths,
        fwhm=cube.fwhm,
        img_path=cube.name,
        img_shape=cube.data.shape[:2],
        **finer,
    )


def run(owner: str, steps: Sequence[ValueStep], results: dict) -> dict:
    """Run steps over a results dict.

    Args:
        owner: Whose they are, for messages.
        steps: In order.
        results: Of :func:`results_of`.

    Raises:
        ConfigError: If one that has to gives no image of the same height and width.
    """
    for step in steps:
        size, name = results["img"].shape[:2], step.config["type"]
        results = step.transform(results)  # type: ignore[assignment]
        image = None if results is None else results.get("img")
        if (
            not isinstance(image, np.ndarray)
            or image.ndim != 3
            or (step.scope in KEEPING_SIZE and image.shape[:2] != size)
        ):
            found = f"an image of {image.shape}" if isinstance(image, np.ndarray) else "no image"
            raise ConfigError(f"{owner}: {name} (scope {step.scope!r}) made {found} of one of {size} pixels")
    return results


def model_bands(
    owner: str,
    steps: Sequence[ValueStep],
    cube: CubeInfo | HSICube,
    bands: Sequence[int],
    wavelengths: NDArray[np.float64] | None,
    second_bands: int = 0,
    scale: int = 1,
) -> tuple[int, NDArray[np.float64] | None]:
    """How many bands a model sees behind the steps of a pipeline, and where they lie.

    The steps are run on a made-up image; those of scope ``'pixel'`` in two parts too, which must give the same.

    Args:
        owner: The dataset, for messages.
        steps: Of :func:`mmhsi.datasets.transforms.scope.value_steps`.
        cube: What is read, or what its file says about itself.
        bands: 0-based bands of it that are used.
        wavelengths: Their centres in nm, shape (C,), or None.
        second_bands: Bands C2 of a second source that the steps are given. Default 0, none.
        scale: Its pixels per pixel of the image along each axis.

    Returns:
        Number of bands K, and their centres in nm, shape (K,), or None.

    Raises:
        ConfigError: If a step fails on the image, or one of scope ``'pixel'`` depends on other pixels.
    """
    values = np.arange(PROBE_SIDE**2 * len(bands)).reshape(PROBE_SIDE, PROBE_SIDE, len(bands))
    dtype = cube.dtype if isinstance(cube, CubeInfo) else cube.data.dtype
    fwhm = None if cube.fwhm is None else cube.fwhm[list(bands)]
    side = PROBE_SIDE * scale
    second = (np.arange(side * side * second_bands) * 37 % 101).reshape(side, side, -1) if second_bands else None
    made_up = HSICube((values * 37 % 101 + 1).astype(dtype), wavelengths, fwhm, name=cube.name)
    results = results_of(made_up, None, second, scale)
    for step in steps:
        kind = type(step.transform)
        # What is known keeps the number of bands; resized to the size of a tile, the image would be a large one.
        if step.scope == "image" and (kind.__module__.startswith("mmhsi.") or package_name(kind) in OTHERS):
            continue
        whole = _try(owner, step, results)
        if step.scope == "pixel":
            parts = [_try(owner, step, _rows(results, *rows))["img"] for rows in ((0, 3), (3, PROBE_SIDE))]
            if not _alike(np.concatenate(parts), whole["img"]):
                raise ConfigError(
                    f"{owner}: {step.config['type']} declares scope 'pixel', but gives a pixel other values when the "
                    "image is a part of it; declare 'image' or 'random'"
                )
        results = whole
    centres = results.get("wavelengths")
    return results["img"].shape[2], None if centres is None else np.asarray(centres, dtype=np.float64)


def _alike(parts: NDArray, whole: NDArray) -> bool:
    """Whether two images (H, W, C) are the same up to rounding, which may be large beside values near 0."""
    finite = np.where(np.isfinite(whole), whole, 0).astype(np.float64)
    scale = np.abs(finite).max(axis=(0, 1))
    return parts.shape == whole.shape and bool(np.isclose(parts, whole, 1e-3, 1e-3 * scale, equal_nan=True).all())


def _rows(results: dict, first: int, last: int) -> dict:
    """Rows of an image as an image."""
    cut = {key: results[key][first:last] for key in ("img", "valid")}
    return {**results, **cut, "img_shape": cut["img"].shape[:2]}


def _try(owner: str, step: ValueStep, results: dict) -> dict:
    """Run a step on a copy of a made-up image."""
    copied = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in results.items()}
    try:
        with np.errstate(all="ignore"):
            return run(owner, [step], copied)
    except MMHSIError:
        raise
    except Exception as error:  # of whatever kind a transform of a user's raises
        raise ConfigError(
            f"{owner}: {step.config['type']} fails on an image of {results['img'].shape} with the keys of a scene "
            f"({', '.join(results)}): {type(error).__name__}: {reason(error)}"
        ) from error
