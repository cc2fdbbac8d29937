"""Every file format in turn, and what a refusal looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from cube_files import write_envi, write_geotiff, write_mat5, write_mat73, write_npy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _geotiff(**options: object) -> Callable[[Path, np.ndarray], Path]:
    return lambda folder, cube: write_geotiff(folder / "scene.tif", cube, **options)


def _envi(interleave: str, big_endian: bool) -> Callable[[Path, np.ndarray], Path]:
    return lambda folder, cube: write_envi(folder / "scene.img", cube, interleave, big_endian)


def _envi_header(folder: Path, cube: np.ndarray) -> Path:
    return write_envi(folder / "scene.dat", cube, "bil").with_suffix(".hdr")


def _mat5(folder: Path, cube: np.ndarray) -> Path:
    return write_mat5(folder / "scene.mat", scene=cube, count=3.0)


def _mat73(folder: Path, cube: np.ndarray) -> Path:
    return write_mat73(folder / "scene.mat", scene=cube, count=np.ones((1, 1)))


def _npy(folder: Path, cube: np.ndarray) -> Path:
    return write_npy(folder / "scene.npy", cube)


def _npy_big_endian_fortran(folder: Path, cube: np.ndarray) -> Path:
    return write_npy(folder / "scene.npy", np.asfortranarray(cube.astype(cube.dtype.newbyteorder(">"))))


FORMATS: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "geotiff-band": _geotiff(interleave="band"),
    "geotiff-pixel": _geotiff(interleave="pixel"),
    "geotiff-tiled-deflate": _geotiff(tiled=True, blockxsize=16, blockysize=16, compress="deflate", interleave="pixel"),
    "geotiff-big-endian": _geotiff(ENDIANNESS="BIG"),
    **{
        f"envi-{interleave}-{'big' if big_endian else 'little'}": _envi(interleave, big_endian)
        for interleave in ("bsq", "bil", "bip")
        for big_endian in (False, True)
    },
    "envi-header": _envi_header,
    "mat5": _mat5,
    "mat73": _mat73,
    "npy": _npy,
    "npy-big-endian-fortran": _npy_big_endian_fortran,
}
"""How each format writes a cube into a folder; the path to open comes back."""


@pytest.fixture(params=list(FORMATS))
def write_format(request: pytest.FixtureRequest) -> Callable[[Path, np.ndarray], Path]:
    """Every format in turn."""
    return FORMATS[request.param]


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a call raises exactly one class, in one line that begins with the file and holds some words."""

    def check(call: Callable[[], object], error: type[Exception], file: Path, *words: str) -> None:
        with pytest.raises(error) as caught:
            call()
        message = str(caught.value)
        assert type(caught.value) is error
        assert "\n" not in message
        assert message.startswith(f"{file}: ")
        for word in words:
            assert word in message

    return check
