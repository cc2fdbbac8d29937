"""Windows of products of true size beside reading the whole array with h5py. Everything is generated."""

import zlib
from functools import partial
from math import ceil
from pathlib import Path

import h5py
import numpy as np
from rasterio.crs import CRS
from side_by_side import Bench, Comparison, Measure, main, per_second

from mmhsi.io import CubeReader, open_cube

EMIT_CHUNK = (160, 156, 36)
"""As netCDF's library cuts such an array when nobody says otherwise: into about 4 MB."""


def prisma_file(path: Path, rows: int, columns: int) -> list[str]:
    """A PRISMA L2D file; gives the names of its cubes."""
    rng = np.random.default_rng(0)
    fields = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"
    with h5py.File(path, "w") as out:
        for name, bands, first, last in (("Vnir", 66, 978, 402), ("Swir", 173, 2497, 943)):
            data = out.create_dataset(f"{fields}/{name.upper()}_Cube", (rows, bands, columns), np.uint16)
            row = rng.integers(1, 65535, (bands, columns), dtype=np.uint16)
            for index in range(rows):
                data[index] = row
            out.attrs[f"List_Cw_{name}"] = np.linspace(first, last, bands)
            out.attrs[f"List_Fwhm_{name}"] = np.full(bands, 10.0)
            out.attrs[f"L2Scale{name}Min"], out.attrs[f"L2Scale{name}Max"] = 0.0, 1.0
        out.attrs.update(Epsg_Code=32633, Product_ULcorner_easting=0.0, Product_ULcorner_northing=0.0)
    return [f"{fields}/{name}_Cube" for name in ("VNIR", "SWIR")]


def emit_file(path: Path, rows: int, columns: int, bands: int) -> list[str]:
    """An EMIT file whose orbit is turned by 40° against its map; gives the name of its cube."""
    chunk = tuple(min(side, size) for side, size in zip((rows, columns, bands), EMIT_CHUNK, strict=True))
    values = np.random.default_rng(0).integers(0, 4096, chunk).astype(np.float32) / 4096
    packed = zlib.compress(values.tobytes(), 4)
    with h5py.File(path, "w") as out:
        options = dict(chunks=chunk, compression="gzip", compression_opts=4)
        data = out.create_dataset("reflectance", (rows, columns, bands), np.float32, **options)
        counts = [ceil(size / side) for size, side in zip(data.shape, chunk, strict=True)]
        for place in np.ndindex(*counts):
            offset = tuple(number * side for number, side in zip(place, chunk, strict=True))
            data.id.write_direct_chunk(offset, packed)  # packed once: making the file costs next to nothing
        out["sensor_band_parameters/wavelengths"] = np.linspace(381, 2493, bands)
        out["sensor_band_parameters/fwhm"] = np.full(bands, 8.5)
        turn = np.deg2rad(40)
        side = int(np.hypot(rows, columns))
        y, x = np.mgrid[:side, :side] - side / 2
        column = np.rint(np.cos(turn) * x - np.sin(turn) * y + columns / 2).astype(np.int32)
        row = np.rint(np.sin(turn) * x + np.cos(turn) * y + rows / 2).astype(np.int32)
        inside = (column >= 1) & (row >= 1) & (column <= columns) & (row <= rows)
        out["location/glt_x"], out["location/glt_y"] = np.where(inside, column, 0), np.where(inside, row, 0)
        out.attrs["geotransform"] = np.array([13.0, 0.00054, 0.0, 52.5, 0.0, -0.00054])
        out.attrs["spatial_ref"] = CRS.from_epsg(4326).to_wkt()
    return ["reflectance"]


def windows(product: str, bench: Bench) -> tuple[Measure, Measure]:
    """Windows of 64 x 64 pixels and all bands at random places in the middle of the scene, beside the whole cubes."""
    path = bench.folder / f"{product}.h5"
    if product == "prisma":
        names = prisma_file(path, bench.size(1000, 80), bench.size(1000, 80))
    else:
        names = emit_file(path, bench.size(1280, 90), bench.size(1242, 90), bench.size(285, 40))
    reader = open_cube(path)
    rng = np.random.default_rng(1)

    def cut(reader: CubeReader, count: int = 4) -> int:
        height, width, _ = reader.info.shape
        for _ in range(count):
            row, col = (
                int(rng.integers(side // 4, max(side // 4 + 1, 3 * side // 4 - 64))) for side in (height, width)
            )
            reader.read((row, col, min(64, height - row), min(64, width - col)))
        return count

    def whole() -> int:
        with h5py.File(path, "r") as file:
            for name in names:
                file[name][()]
        return 1

    return per_second(lambda: cut(reader)), per_second(whole)


COMPARISONS = [
    Comparison(
        f"{product}-window",
        f"64×64 windows of all bands from {title} beside the whole array with h5py",
        partial(windows, product),
        goal="≥ 20",
        unit="windows/s",
    )
    for product, title in (
        ("prisma", "a PRISMA L2D file of 1000×1000×239"),
        ("emit", "an EMIT file of 1280×1242×285, put onto the map"),
    )
]

if __name__ == "__main__":
    main(dict(product_windows=COMPARISONS))
