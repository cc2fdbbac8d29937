"""Small cubes in real file formats, each written without the package's own code."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import h5py
import numpy as np
import rasterio
import scipy.io
from rasterio.crs import CRS
from rasterio.transform import from_origin

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEIGHT, WIDTH = 13, 17
PLACE = dict(crs=CRS.from_epsg(32633), transform=from_origin(366015.0, 5809965.0, 30.0, 30.0))
_ENVI_TYPES = {"uint8": 1, "int16": 2, "int32": 3, "float32": 4, "float64": 5, "complex64": 6, "uint16": 12}
_ENVI_AXES = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
_MATLAB_CLASSES = {"float64": "double", "float32": "single", "bool": "logical"}


def make_cube(bands: int, dtype: str = "int16") -> NDArray:
    """(13, 17, bands) whose every value is different from its neighbours along all three axes."""
    values = np.arange(HEIGHT * WIDTH * bands).reshape(HEIGHT, WIDTH, bands) * 7 % 30011
    return values.astype(dtype)


def write_envi(
    path: Path,
    cube: NDArray,
    interleave: str = "bsq",
    big_endian: bool = False,
    extra: str = "",
    changes: dict[str, object] | None = None,
) -> Path:
    """Write an ENVI pair and give the data file.

    `extra` are lines for the end of the header; `changes` replace or add keys (``_`` for a space), None drops one.
    """
    height, width, bands = cube.shape
    header: dict[str, object] = dict(samples=width, lines=height, bands=bands, header_offset=0)
    header.update(file_type="ENVI Standard", data_type=_ENVI_TYPES[cube.dtype.name], interleave=interleave)
    header.update({"byte_order": int(big_endian), **(changes or {})})
    lines = [f"{key.replace('_', ' ')} = {value}" for key, value in header.items() if value is not None]
    path.with_suffix(".hdr").write_text("\n".join(["ENVI", *lines, extra]))
    stored = cube.astype(cube.dtype.newbyteorder(">" if big_endian else "<"))
    np.ascontiguousarray(stored.transpose(_ENVI_AXES[interleave])).tofile(path)
    return path


def write_hyspex(path: Path, values: NDArray, dark: NDArray, microseconds: int) -> Path:
    """Write ``path.hyspex``, HySpex's own header field by field and then the lines, and give its ENVI header."""
    _, width, bands = values.shape
    words = [bands, width, 1, 0, microseconds, 20000, 1, 1, 1, 0, 0, 1, 1, *[0] * 22, 0, 0]
    start = b"HYSPEX\0\0" + struct.pack("<iI", 0, 3001) + bytes(200 + 120 + 8 + 4 + 4 + 44 + 5 * 4 + 64 + 200 + 200)
    start += bytes(200 + 200 + 200 + 32 + 32 + 200 + 200 + 1 + 3 * 4) + struct.pack("<I", 100)
    start += struct.pack(f"<{len(words)}I", *words) + bytes(6 * 8 + 5 * 4 + 4)
    start += np.concatenate([np.arange(2 * bands + bands * width, dtype="<f8"), dark.T.ravel().astype("<f8")]).tobytes()
    file = write_envi(path.with_suffix(".hyspex"), values, "bil", changes=dict(header_offset=len(start)))
    file.write_bytes(start + file.read_bytes())
    return file.with_suffix(".hdr")


def write_geotiff(path: Path, cube: NDArray, tags: dict[int, dict[str, str]] | None = None, **profile: object) -> Path:
    """Write a GeoTIFF at :data:`PLACE`; `tags` are those of each band, from 1."""
    height, width, bands = cube.shape
    shape = dict(height=height, width=width, count=bands, dtype=cube.dtype)
    with rasterio.open(path, "w", driver="GTiff", **{**shape, **PLACE, **profile}) as dataset:
        dataset.write(cube.transpose(2, 0, 1))
        for band, values in (tags or {}).items():
            dataset.update_tags(band, **values)
    return path


def write_mat5(path: Path, compress: bool = True, **variables: object) -> Path:
    """Write a MATLAB file of version 5."""
    scipy.io.savemat(path, variables, do_compression=compress)
    return path


def write_mat73(path: Path, **variables: NDArray) -> Path:
    """Write a MATLAB 7.3 file as MATLAB does: a user block of 512 bytes, axes reversed, the class as an attribute."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            stored = values.T.astype("uint8") if values.dtype == bool else values.T
            dataset = file.create_dataset(name, data=stored, chunks=True, compression="gzip")
            dataset.attrs["MATLAB_class"] = np.bytes_(_MATLAB_CLASSES.get(values.dtype.name, values.dtype.name))
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def write_npy(path: Path, cube: NDArray) -> Path:
    """Write a NumPy file."""
    np.save(path, cube)
    return path
