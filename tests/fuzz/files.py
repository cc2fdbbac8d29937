"""Small valid files of every format, and how they are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cube_files
from fuzz.entries import CUBE

if TYPE_CHECKING:
    from numpy.typing import NDArray

Build = Callable[[Path], Path]


def write_envi(folder: Path, cube: NDArray = CUBE, **changes: object) -> Path:
    """A pair ``scene.hdr``, which comes back, and ``scene.img``; `changes` are made to the header."""
    return cube_files.write_envi(folder / "scene.img", cube, changes=changes).with_suffix(".hdr")


def write_geotiff(folder: Path, cube: NDArray = CUBE, name: str = "scene.tif", **profile: object) -> Path:
    return cube_files.write_geotiff(folder / name, cube, **{"crs": None, "transform": None, **profile})


def write_mat5(folder: Path, compress: bool = True) -> Path:
    return cube_files.write_mat5(folder / "scene.mat", compress, scene=CUBE)


def write_mat73(folder: Path) -> Path:
    return cube_files.write_mat73(folder / "scene.mat", scene=CUBE)


def write_npy(folder: Path, cube: NDArray = CUBE) -> Path:
    return cube_files.write_npy(folder / "scene.npy", cube)


FORMATS: dict[str, Build] = {
    "geotiff": write_geotiff,
    "geotiff deflate": lambda folder: write_geotiff(folder, compress="deflate"),
    "envi": lambda folder: write_envi(folder).with_suffix(".img"),
    "mat 5": write_mat5,
    "mat 5 plain": lambda folder: write_mat5(folder, compress=False),
    "mat 7.3": write_mat73,
    "npy": write_npy,
}
"""How each writes a cube into a folder; the path of the file with the data comes back."""


def cut(path: Path, length: int) -> Path:
    """Keep the first bytes of a file."""
    path.write_bytes(path.read_bytes()[:length])
    return path


def change(path: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes that occur."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


def of_bytes(name: str, content: bytes) -> Build:
    """A file of this name and content."""

    def build(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return build


def damaged(write: Build, edit: Callable[[Path], object]) -> Build:
    """A file that is written and then damaged."""

    def build(folder: Path) -> Path:
        path = write(folder)
        edit(path)
        return path

    return build
