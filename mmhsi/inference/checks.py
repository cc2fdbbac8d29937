"""What has to hold, or is doubtful, before a scene is predicted."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, DataWarning
from mmhsi.io.value_origins import REFERENCED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmhsi.io import CubeInfo
    from mmhsi.spec import InputSpec

    from .scene_rows import SceneRows

SAME_NM = 1.0
"""Wavelengths that differ by less are the same band."""

SAMPLES, SAMPLE_SIDE = 3, 32
"""Values are looked at in so many windows of this side along each axis."""


class SceneWarning(DataWarning):
    """A scene can be predicted, but something about it is doubtful."""


def warn(message: str) -> None:
    """Warn of something doubtful, at the line outside of this package that led to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mmhsi."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, SceneWarning, stacklevel=level)


def warn_of_no_place(info: CubeInfo, scene: str | Path) -> None:
    """Warn of a scene without a place, but of a NumPy file, which, as an array in memory, can have none.

    Args:
        info: What its file says about itself.
        scene: Its name.
    """
    if info.crs is None and Path(scene).suffix != ".npy":
        warn(f"{scene}: has no CRS, and neither will the map")


def check_space(folder: Path, needed: int, what: str = "rows") -> None:
    """Check that a disk has room for so many bytes.

    Args:
        folder: On that disk; exists.
        needed: Bytes.
        what: That they are for, for the message.

    Raises:
        DataError: If it has not.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(f"{folder}: {needed / 1e9:.3g} GB are needed for the {what}, {free / 1e9:.3g} GB are free")


def choose_scene_bands(info: CubeInfo, spec: InputSpec) -> list[int]:
    """Which bands of a file a model takes.

    Args:
        info: What the file says about itself.
        spec: What the model was trained on.

    Raises:
        DataError: If the file has neither as many bands as the training files nor just those that were used.
    """
    used, present = list(spec.bands), info.shape[2]
    if present == spec.file_bands:
        return used
    if present == len(used):
        return list(range(present))
    raise DataError(
        f"{info.name}: has {present} bands, the model was trained on {len(used)} of files with {spec.file_bands}"
    )


def doubtful_wavelengths(info: CubeInfo, bands: Sequence[int], trained: Sequence[float] | None) -> str | None:
    """Compare a scene's wavelengths with those of the training.

    Args:
        info: The scene's.
        bands: 0-based bands that are read.
        trained: Centres in nm of the training's bands.

    Returns:
        What to tell the user, None if they agree or one side is unknown.
    """
    if info.wavelengths is None or trained is None:
        return None
    here, there = info.wavelengths[list(bands)], np.asarray(trained)
    off = np.abs(here - there)
    if (off <= SAME_NM).all():
        return None
    worst = int(off.argmax())
    return (
        f"{info.name}: {int((off > SAME_NM).sum())} of {len(bands)} bands lie elsewhere than in training, band "
        f"{bands[worst]} at {here[worst]:g} instead of {there[worst]:g} nm; --match-wavelengths resamples them"
    )


def matching_transform(info: CubeInfo, trained: Sequence[float] | None) -> dict:
    """The transform that brings a scene's bands onto the wavelengths of the training.

    Args:
        info: The scene's.
        trained: Centres in nm of the training's bands.

    Raises:
        DataError: If wavelengths are unknown, or the scene's do not cover those of the training.
    """
    if info.wavelengths is None or trained is None:
        whose = f"{info.name}: the scene" if info.wavelengths is None else "the checkpoint"
        raise DataError(f"{whose} says nothing of wavelengths; they cannot be matched")
    good = info.wavelengths[info.good_bands]
    low, high = float(good.min()), float(good.max())
    room = float(np.diff(np.sort(good)).max()) if len(good) > 1 else 0.0
    for nm in (min(trained), max(trained)):
        if not low - room <= nm <= high + room:
            raise DataError(f"{info.name}: its bands cover {low:g} to {high:g} nm, the training had one at {nm:g} nm")
    return dict(type="SpectralResample", wavelengths=list(trained), extrapolate=True)


def doubtful_scale(rows: SceneRows, origin: str) -> str | None:
    """Compare the size of a scene's values with that of the training.

    Per band, the root mean square of a sample of the scene is set against that of the training, √(mean² + std²).

    Args:
        rows: The scene, open.
        origin: How the values of the training had come about (:attr:`mmhsi.spec.InputSpec.values`).

    Returns:
        What to tell the user where the typical band is ten times or more off, with the factor that mends it.
    """
    height, width = rows.shape
    sizes = []
    for row in _places(height):
        for column in _places(width):
            cube, valid, _ = rows.cube((row, column, min(SAMPLE_SIDE, height), min(SAMPLE_SIDE, width)))
            if valid.any():
                sizes.append(np.sqrt(np.square(cube.data[valid].astype(np.float64)).mean(axis=0)))
    if not sizes:
        return None
    trained = rows.preprocessor.mean.double().square() + rows.preprocessor.std.double().square()
    ratio = np.median(np.median(sizes, axis=0) / trained.sqrt().cpu().numpy())
    if not np.isfinite(ratio) or not ratio or 0.1 < ratio < 10:
        return None
    references = ", its references --white and --dark" if origin == REFERENCED != rows.reader.info.values else ""
    factor = 10.0 ** -round(np.log10(ratio))
    return (
        f"{rows.reader.path}: its values are about {ratio:.2g} times those of the training; if the units differ, give "
        f"--scale {factor:g}{references}"
    )


def _places(size: int) -> NDArray[np.intp]:
    """First pixels of the sample windows along an axis."""
    return np.unique(np.linspace(0, max(0, size - SAMPLE_SIDE), SAMPLES).astype(np.intp))
