"""Small valid files of every format, written without the package's own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import rasterio
import scipy.io
from fuzz.entries import CUBE
from numpy.typing import NDArray

CODES = {"uint8": 1, "int16": 2, "float32": 4, "float64": 5, "complex64": 6}


def write_envi(folder: Path, cube: NDArray = CUBE, **changes: object) -> Path:
    """A pair ``scene.hdr`` and ``scene.img``; `changes` replace or add keys (``_`` for a space), None drops one."""
    height, width, bands = cube.shape
    header: dict[str, object] = dict(
        samples=width, lines=height, bands=bands, header_offset=0, file_type="ENVI Standard", interleave="bsq"
    )
    header.update({"data_type": CODES[cube.dtype.name], "byte_order": 0, **changes})
    lines = [f"{key.replace('_', ' ')} = {value}" for key, value in header.items() if value is not None]
    np.ascontiguousarray(cube.transpose(2, 0, 1)).tofile(folder / "scene.img")
    path = folder / "scene.hdr"
    path.write_text("\n".join(["ENVI", *lines]) + "\n")
    return path


def write_geotiff(folder: Path, cube: NDArray = CUBE, name: str = "scene.tif", **profile: object) -> Path:
    height, width, bands = cube.shape
    shape = dict(height=height, width=width, count=bands, dtype=cube.dtype)
    with rasterio.open(folder / name, "w", driver="GTiff", **shape, **profile) as dataset:
        dataset.write(cube.transpose(2, 0, 1))
    return folder / name


def write_mat5(folder: Path, cube: NDArray = CUBE, compress: bool = True) -> Path:
    scipy.io.savemat(folder / "scene.mat", {"scene": cube}, do_compression=compress)
    return folder / "scene.mat"


def write_mat73(folder: Path, cube: NDArray = CUBE, **options: object) -> Path:
    """Axes reversed and the class as an attribute, as MATLAB writes them."""
    with h5py.File(folder / "scene.mat", "w", userblock_size=512) as file:
        file.create_dataset("scene", data=cube.T, **{"chunks": True, "compression": "gzip", **options})
    return folder / "scene.mat"


def write_npy(folder: Path, cube: NDArray = CUBE) -> Path:
    np.save(folder / "scene.npy", cube)
    return folder / "scene.npy"


FORMATS: dict[str, Callable[[Path], Path]] = {
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
