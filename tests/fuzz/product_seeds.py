"""Small products of every sensor, vector files of every format and other inputs of several files, to be mutated."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import cube_files
import numpy as np
import product_layouts as layouts
import product_layouts_more as more
from affine import Affine
from rasterio.crs import CRS

from mmhsi.io.vector_writer import write_areas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

H, W = 6, 5
GRID = Affine(30, 0, 363000, 0, -30, 5810000)
CLASSES = (np.arange(H * W).reshape(H, W) // 4) % 3


def _values(*shape: int, kind: str = "<i2") -> NDArray:
    return (np.arange(np.prod(shape)).reshape(shape) * 37 % 4001 + 1).astype(kind)


def _enmap(folder: Path) -> Path:
    nm = np.array([450.0, 900.0, 980.0, 930.0, 2200.0])
    return layouts.enmap(folder, _values(H, W, 5), nm, [1, 2, 3], layers={"CLOUD": np.zeros((H, W))})


def enmap_zip(folder: Path) -> Path:
    """An EnMAP product as it is downloaded."""
    product = _enmap(folder / "product")
    path = folder / "product.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(product.iterdir()):
            out.write(file, f"{product.name}/{file.name}")
            file.unlink()
    product.rmdir()
    (folder / "product").rmdir()
    return path


def _prisma(folder: Path) -> Path:
    vnir, swir = _values(H, 4, W, kind="<u2"), _values(H, 4, W, kind="<u2")
    nm = np.array([960.0, 800.0, 550.0, 0.0]), np.array([2200.0, 1650.0, 940.0, 0.0])
    return layouts.prisma(folder / "PRS_L2D.he5", vnir, swir, *nm, cloud=np.zeros((H, W)))


def _emit(folder: Path) -> Path:
    glt = np.stack(np.meshgrid(np.arange(7) % (W + 1), np.arange(8) % (H + 1)), axis=-1)
    nm = np.array([400.0, 700.0, 2000.0])
    return layouts.emit(folder / "EMIT_L2A_RFL_001.nc", _values(H, W, 3, kind="<f4"), nm, glt)


def _desis(folder: Path) -> Path:
    return more.desis(folder / "d", _values(H, W, 3), np.array([401.0, 600.0, 999.0]), np.zeros((H, W, 10)))


def _neon(folder: Path) -> Path:
    return more.neon(folder / "NEON_D01.h5", _values(H, W, 4), np.array([400.0, 1400.0, 1800.0, 2400.0]))


def _tanager(folder: Path) -> Path:
    nm, cube = np.array([400.0, 1400.0, 2400.0]), _values(3, H, W, kind="<f4")
    return more.tanager(folder / "t.h5", cube, nm, np.ones(3), np.zeros((H, W)))


def _pace_1(folder: Path) -> Path:
    nm = {"blue": np.array([400.0, 602.5]), "red": np.array([600.0, 800.0]), "SWIR": np.array([1250.0, 1250.0])}
    return more.pace_level_1(folder / "PACE.L1B.nc", {name: _values(2, H, W, kind="<f4") for name in nm}, nm)


def _pace_2(folder: Path) -> Path:
    nm = np.array([400.0, 500.0, 600.0])
    return more.pace_level_2(folder / "PACE.L2.nc", _values(H, W, 3), nm, np.full((H, W), 2))


def _aviris(folder: Path) -> Path:
    nm = np.array([390.0, 1000.0, 2490.0])
    return more.aviris(folder / "AV320250308t200738_RFL_ORT.nc", _values(3, H, W, kind="<f4"), nm)


def _gaofen5(folder: Path) -> Path:
    vnir, swir = _values(H, W, 2, kind="<u2"), _values(H, W, 2, kind="<u2")
    return more.gaofen5(folder / "g", vnir, swir, np.array([450.0, 1010.0]), np.array([1005.0, 2400.0]))


def _hyperion(folder: Path) -> Path:
    return more.hyperion(folder / "h", {number: _values(2, 3) for number in [*range(8, 58), *range(77, 225)]})


def _lab_camera(folder: Path) -> Path:
    for name, rows in (("leaf", 6), ("DARKREF_leaf", 3), ("WHITEREF_leaf", 3)):
        path = cube_files.write_envi(folder / f"{name}.raw", _values(rows, W, 3), "bil", extra="tint = 20.0\n")
    return path.with_name("leaf.hdr")


def _hyspex(folder: Path) -> Path:
    """A raw file with HySpex's own header, which carries the dark reference, and a panel of its own beside it."""
    for name, time in (("panel", 2000), ("rock", 8000)):
        path = cube_files.write_hyspex(folder / name, _values(H, W, 3, kind="<u2"), np.full((W, 3), 9.0), time)
    return path


def _headwall(folder: Path) -> Path:
    for name, rows in (("raw_0", H), ("darkReference", 3), ("whiteReference", 3)):
        cube_files.write_envi(folder / name, _values(rows, W, 3, kind="<u2"), "bil", extra="tint = 20.0\n")
    return folder / "raw_0.hdr"


def _resonon(folder: Path) -> Path:
    extra = "shutter = 10\ngain = 6\nwavelength = {400, 600, 900}\nreflectance scale factor = 10000\n"
    return cube_files.write_envi(folder / "leaf.bil", _values(H, W, 3, kind="<u2"), "bil", extra=extra)


def _vector(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_areas(folder / name, CLASSES, ["soil", "tree", "Wiese"], [1, 2, 3], CRS.from_epsg(32633), GRID)
        return folder / name

    return write


def _points(folder: Path) -> Path:
    rows = [f"{row},{col},{'ab'[(row + col) % 2]}" for row in range(H) for col in range(W)]
    (folder / "points.csv").write_text("row,column,class\n" + "\n".join(rows) + "\n")
    return folder / "points.csv"


def _abundances(suffix: str) -> Callable[[Path], Path]:
    shares = _values(H, W, 3, kind="<f4")
    shares /= shares.sum(axis=2, keepdims=True)
    if suffix == ".mat":
        return lambda folder: cube_files.write_mat5(folder / "a.mat", True, A=shares.reshape(-1, 3).T)
    return lambda folder: cube_files.write_geotiff(folder / "a.tif", shares)


PRODUCTS = (
    _enmap,
    _prisma,
    _emit,
    _desis,
    _neon,
    _tanager,
    _pace_1,
    _pace_2,
    _aviris,
    _gaofen5,
    _hyperion,
    _lab_camera,
    _hyspex,
    _headwall,
    _resonon,
)
VECTORS = (*map(_vector, ("v.gpkg", "v.geojson", "v.fgb", "v.shp")), _points)
ABUNDANCES = (_abundances(".mat"), _abundances(".tif"))
