"""Small cubes in real file formats, each written without the package's own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
from rasterio.crs import CRS
from rasterio.transform import from_origin

HEIGHT, WIDTH = 13, 17
CRS_UTM = CRS.from_epsg(32633)
TRANSFORM = from_origin(366015.0, 5809965.0, 30.0, 30.0)


def _make_cube(bands: int, dtype: str = "int16") -> np.ndarray:
    """(13, 17, bands) whose every value is different from its neighbours along all three axes."""
    values = np.arange(HEIGHT * WIDTH * bands).reshape(HEIGHT, WIDTH, bands) * 7 % 30011
    return values.astype(dtype)


def _write_envi(
    data_file: Path, cube: np.ndarray, interleave: str = "bsq", big_endian: bool = False, extra: str = ""
) -> Path:
    """Write an ENVI pair by hand and return the data file; `extra` may hold header lines, 'byte order' is added."""
    codes = {"uint8": 1, "int16": 2, "int32": 3, "float32": 4, "float64": 5, "complex64": 6, "uint16": 12}
    axes = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    stored = cube.astype(cube.dtype.newbyteorder(">" if big_endian else "<"))
    np.ascontiguousarray(stored.transpose(axes)).tofile(data_file)
    height, width, bands = cube.shape
    data_file.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {width}\nlines = {height}\nbands = {bands}\nheader offset = 0\nfile type = ENVI Standard\n"
        f"data type = {codes[cube.dtype.name]}\ninterleave = {interleave}\nbyte order = {int(big_endian)}\n{extra}"
    )
    return data_file


def _write_geotiff(
    path: Path, cube: np.ndarray, tags: dict[int, dict[str, str]] | None = None, **profile: object
) -> Path:
    """Write a GeoTIFF with rasterio; `tags` are those of each band, from 1."""
    height, width, bands = cube.shape
    options = {"crs": CRS_UTM, "transform": TRANSFORM, **profile}
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=bands, dtype=cube.dtype, **options
    ) as dataset:
        dataset.write(cube.transpose(2, 0, 1))
        for band, values in (tags or {}).items():
            dataset.update_tags(band, **values)
    return path


def _write_mat73(path: Path, **variables: np.ndarray) -> Path:
    """Write a MATLAB 7.3 file as MATLAB does: a user block of 512 bytes, axes reversed, the class as an attribute."""
    classes = {"float64": "double", "float32": "single", "bool": "logical"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            stored = values.T.astype("uint8") if values.dtype == bool else values.T
            dataset = file.create_dataset(name, data=stored, chunks=True, compression="gzip")
            dataset.attrs["MATLAB_class"] = np.bytes_(classes.get(values.dtype.name, values.dtype.name))
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def _geotiff(**options: object) -> Callable[[Path, np.ndarray], Path]:
    return lambda folder, cube: _write_geotiff(folder / "scene.tif", cube, **options)


def _envi(interleave: str, big_endian: bool) -> Callable[[Path, np.ndarray], Path]:
    return lambda folder, cube: _write_envi(folder / "scene.img", cube, interleave, big_endian)


def _envi_header(folder: Path, cube: np.ndarray) -> Path:
    return _write_envi(folder / "scene.dat", cube, "bil").with_suffix(".hdr")


def _mat5(folder: Path, cube: np.ndarray) -> Path:
    scipy.io.savemat(folder / "scene.mat", {"scene": cube, "count": 3.0}, do_compression=True)
    return folder / "scene.mat"


def _mat73(folder: Path, cube: np.ndarray) -> Path:
    return _write_mat73(folder / "scene.mat", scene=cube, count=np.ones((1, 1)))


def _npy(folder: Path, cube: np.ndarray) -> Path:
    np.save(folder / "scene.npy", cube)
    return folder / "scene.npy"


def _npy_big_endian_fortran(folder: Path, cube: np.ndarray) -> Path:
    np.save(folder / "scene.npy", np.asfortranarray(cube.astype(cube.dtype.newbyteorder(">"))))
    return folder / "scene.npy"


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
def make_cube() -> Callable[..., np.ndarray]:
    return _make_cube


@pytest.fixture
def write_envi() -> Callable[..., Path]:
    return _write_envi


@pytest.fixture
def write_geotiff() -> Callable[..., Path]:
    return _write_geotiff


@pytest.fixture
def write_mat73() -> Callable[..., Path]:
    return _write_mat73


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
