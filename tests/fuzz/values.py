"""Files that are whole, with values that a method may stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from fuzz.case import Case
from fuzz.entries import CUBE, SCENE_ENTRIES
from fuzz.files import of_bytes, write_envi, write_geotiff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FLOAT = CUBE.astype(np.float32)
_READ = ("cube", "scene", "tiles", "corpus")


def values(name: str, cube: np.ndarray, refused: bool | None = False, **options: object) -> Case:
    nodata = options.pop("nodata", None)
    profile = {} if nodata is None else dict(nodata=nodata)
    return Case(f"values: {name}", lambda folder: write_geotiff(folder, cube, **profile), refused, **options)


def wavelengths(name: str, text: str, refused: bool | None = None) -> Case:
    entries = (*SCENE_ENTRIES[:-1], "predict_matched")
    return Case(f"wavelengths: {name}", lambda folder: write_envi(folder, wavelength=text), refused, entries)


def second(name: str, write: Callable[[Path], Path], refused: bool | None = True) -> Case:
    return Case(f"second source: {name}", write, refused, ("second",))


def with_value(value: float, where: tuple) -> np.ndarray:
    cube = _FLOAT.copy()
    cube[where] = value
    return cube


_CORNER = (slice(0, 3), slice(0, 3))
CASES = [
    values("valid", CUBE),
    values("NaN in a corner", with_value(np.nan, _CORNER)),
    values("infinite in a corner", with_value(np.inf, _CORNER)),
    values("NaN everywhere", _FLOAT * np.nan, None),
    values("nodata everywhere", CUBE * 0, None, nodata=0),
    values("one band of NaN", with_value(np.nan, (..., 2)), None),
    values("a pixel alone holds data", np.where(np.arange(12)[:, None, None] == 5, CUBE, 0), None, nodata=0),
    values("zero everywhere", CUBE * 0),
    values("no variance in two bands", np.where(np.arange(5) < 2, 7, CUBE).astype(np.int16)),
    values("largest floats", _FLOAT * 0 + np.finfo(np.float32).max, None),
    values("largest doubles", np.where(CUBE % 2, 1.0, -1.0) * np.finfo(np.float64).max, None),
    values("smallest floats", _FLOAT * 1e-45),
    values("nodata NaN", with_value(np.nan, _CORNER), nodata=np.nan),
    values("one pixel", CUBE[:1, :1]),
    values("one row", CUBE[:1]),
    values("one column", CUBE[:, :1]),
    values("one band", CUBE[..., :1], None),
    values("430 bands", np.repeat(CUBE, 86, axis=2), None),
    wavelengths("valid", "{450, 550, 650, 750, 850}", False),
    wavelengths("falling", "{850, 750, 650, 550, 450}", False),
    wavelengths("twice the same", "{450, 550, 550, 750, 850}"),
    wavelengths("all the same", "{550, 550, 550, 550, 550}"),
    wavelengths("NaN", "{450, nan, 650, 750, 850}"),
    wavelengths("infinite", "{450, 550, 650, 750, inf}"),
    wavelengths("zero and negative", "{0, -550, 650, 750, 850}"),
    wavelengths("1e308", "{1e308, 1e308, 1e308, 1e308, 1e308}"),
    second("another size", lambda folder: write_geotiff(folder, CUBE[:5])),
    second("NaN everywhere", lambda folder: write_geotiff(folder, _FLOAT * np.nan), None),
    second("text", of_bytes("second.tif", b"lidar")),
]
