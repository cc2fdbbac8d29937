"""Products of true size read from top to bottom beside GDAL's own read of them. Everything is generated."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from product_windows import emit_file, prisma_file
from rasterio.windows import Window
from side_by_side import Bench, Comparison, Measure, main, seconds

from mmhsi.io import open_cube
from mmhsi.io.readers.raster import without_georeference_warning

ROWS = 32
"""That are read at a time: as a map of such a scene is made."""
_GAIN = 1e-4
_BAND = """<bandID number="{0}"><wavelengthCenterOfBand>{1}</wavelengthCenterOfBand><FWHMOfBand>8</FWHMOfBand>
<GainOfBand>{2}</GainOfBand><OffsetOfBand>0</OffsetOfBand></bandID>"""


def enmap_file(folder: Path, side: int, bands: int) -> Path:
    """An EnMAP L2A product, its image in compressed tiles of 512×512 pixels band by band."""
    stem = "ENMAP01-____L2A-DT0000000001_20220724T104526Z_001_V010111_20230101T000000Z"
    values = np.repeat(np.random.default_rng(0).integers(0, 10000, (side, side // 4), dtype=np.int16), 4, axis=1)
    options = dict(tiled=True, blockxsize=512, blockysize=512, interleave="band", compress="deflate", nodata=-32768)
    size = dict(height=side, width=values.shape[1], count=bands, dtype="int16", crs="EPSG:32633")
    image = folder / f"{stem}-SPECTRAL_IMAGE.TIF"
    with rasterio.open(
        image, "w", driver="GTiff", transform=Affine(30, 0, 4e5, 0, -30, 5.8e6), **size, **options
    ) as out:
        for band in range(bands):
            out.write(values, band + 1)
    listed = "".join(
        _BAND.format(band + 1, nm, _GAIN) for band, nm in enumerate(np.linspace(418, 2445, bands).tolist())
    )
    (folder / f"{stem}-METADATA.XML").write_text(
        "<level_X><base><level>L2A</level></base><specific><code>L2A</code><bandCharacterisation>"
        f"{listed}</bandCharacterisation></specific></level_X>"
    )
    return image


def gdal_rows(names: list[str], lines_are_bands: bool) -> Iterator[list[NDArray]]:
    """Some rows after others of a product's data sets as GDAL gives them; it takes rows of HDF5 cubes for bands."""
    with without_georeference_warning():
        files = [rasterio.open(name) for name in names]
    height = files[0].count if lines_are_bands else files[0].height
    for first in range(0, height, ROWS):
        rows = range(first, min(first + ROWS, height))
        if lines_are_bands:
            yield [file.read([row + 1 for row in rows]) for file in files]
        else:
            yield [file.read(window=Window(0, first, file.width, len(rows))) for file in files]
    for file in files:
        file.close()


def enmap_array(parts: list[NDArray]) -> NDArray:
    """Reflectance (rows, columns, bands) of what GDAL read, (bands, rows, columns)."""
    values = parts[0].transpose(1, 2, 0)
    result = np.multiply(values, np.float32(_GAIN), dtype=np.float32, order="C")
    result[values == -32768] = np.nan
    return result


def prisma_array(parts: list[NDArray]) -> NDArray:
    """Reflectance (rows, columns, bands in rising wavelength) of what GDAL read, (rows, bands, columns) a detector."""
    values = np.concatenate([part[:, ::-1] for part in parts], axis=1).transpose(0, 2, 1)
    return np.multiply(values, np.float32(1 / 65535), dtype=np.float32, order="C")


def emit_array(parts: list[NDArray]) -> NDArray:
    """What GDAL read is reflectance (rows, columns, bands) as it is."""
    return parts[0]


def streams(product: str, bench: Bench) -> tuple[Measure, Measure]:
    """All rows of a product, some at a time: by mmhsi, and by GDAL and numpy."""
    path = bench.folder / "product.h5"
    side = bench.size(1000, 80)
    if product == "enmap":
        path = enmap_file(bench.folder, side, bench.size(224, 12))
        names, same_array = [str(path)], enmap_array
    elif product == "prisma":
        cubes = prisma_file(path, side, side)
        names, same_array = [f'HDF5:"{path}"://{cube.replace(" ", "_")}' for cube in cubes], prisma_array
    else:
        emit_file(path, bench.size(640, 90), bench.size(1242, 90), bench.size(285, 40))
        names, same_array = [f'HDF5:"{path}"://reflectance'], emit_array

    def ours() -> None:
        with open_cube(path, ortho=product != "emit") as reader:
            height, width, _ = reader.info.shape
            for first in range(0, height, ROWS):
                reader.read((first, 0, min(ROWS, height - first), width))

    def gdal() -> None:
        for parts in gdal_rows(names, product != "enmap"):
            same_array(parts)

    return seconds(ours), seconds(gdal)


COMPARISONS = [
    Comparison(
        f"{product}-stream",
        f"all rows of {title}, {ROWS} at a time, beside GDAL's read of them, made the same array by numpy",
        partial(streams, product),
        goal="≤ 1.1",
    )
    for product, title in (
        ("enmap", "an EnMAP L2A product of 1000×1000×224 in compressed tiles"),
        ("prisma", "a PRISMA L2D file of 1000×1000×239"),
        ("emit", "an EMIT file of 640×1242×285 in the sensor's geometry"),
    )
]

if __name__ == "__main__":
    main(dict(product_streams=COMPARISONS))
