"""Files in the layouts of public products, with values that the tests know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import rasterio
from affine import Affine

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UTM = "EPSG:32633"
GRID = Affine(30, 0, 363000, 0, -30, 5810000)

_BAND = """<bandID number="{number}"><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand>
<FWHMOfBand>{fwhm}</FWHMOfBand><GainOfBand>{gain}</GainOfBand><OffsetOfBand>{offset}</OffsetOfBand></bandID>"""


def raster(path: Path, values: NDArray, nodata: float | None = None, transform: Affine | None = GRID) -> Path:
    """A GeoTIFF of values (H, W, C)."""
    height, width, count = values.shape
    place = {} if transform is None else dict(crs=UTM, transform=transform)
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=values.dtype, nodata=nodata, **place
    ) as out:
        out.write(values.transpose(2, 0, 1))
    return path


def enmap(
    folder: Path,
    values: NDArray,
    nm: NDArray,
    vnir: list[int],
    gain: float = 0.0001,
    level: str = "L2A",
    layers: dict[str, NDArray] | None = None,
    transform: Affine = GRID,
    fwhm: NDArray | None = None,
    empty: tuple[int, ...] = (),
) -> Path:
    """An EnMAP product; `vnir` are the numbers, from 1, of the VNIR detector's channels. Gives the folder."""
    stem = f"ENMAP01-____{level}-DT0000001234_20220724T104526Z_001_V010111_20230101T000000Z"
    product = folder / stem
    product.mkdir(parents=True)
    raster(product / f"{stem}-SPECTRAL_IMAGE.TIF", values, -32768, transform)
    numbers = range(1, len(nm) + 1)
    widths = np.full(len(nm), 8.5) if fwhm is None else fwhm
    bands = "".join(
        _BAND.format(number=number, nm=nm[number - 1], fwhm=widths[number - 1], gain=gain, offset=0)
        for number in numbers
    )
    statistics = "".join(
        f'<bandID number="{number}"><stdDeviation>{0 if number - 1 in empty else 12.5}</stdDeviation></bandID>'
        for number in numbers
    )
    swir = [number for number in numbers if number not in vnir]
    (product / f"{stem}-METADATA.XML").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<level_X xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><metadata><schema><versionNumber>01.01</versionNumber>
</schema></metadata><base><level>{level}</level><temporalCoverage>
<startTime>2022-07-24T10:45:27.123456Z</startTime></temporalCoverage><format>GeoTIFF+Metadata</format></base>
<specific><code>{level}</code><bandCharacterisation>{bands}</bandCharacterisation>
<vnirProductQuality><expectedChannelsList>{",".join(map(str, vnir))}</expectedChannelsList></vnirProductQuality>
<swirProductQuality><expectedChannelsList>{",".join(map(str, swir))}</expectedChannelsList></swirProductQuality>
</specific><product><bandStatistics>{statistics}</bandStatistics></product></level_X>
"""
    )
    for name, layer in (layers or {}).items():
        raster(product / f"{stem}-QL_QUALITY_{name}.TIF", layer[..., np.newaxis].astype(np.uint8), None, transform)
    return product


def prisma(
    path: Path,
    vnir: NDArray,
    swir: NDArray,
    vnir_nm: NDArray,
    swir_nm: NDArray,
    level: str = "L2D",
    cloud: NDArray | None = None,
    saturated: NDArray | None = None,
) -> Path:
    """A PRISMA file; cubes are (H, C, W) as stored, wavelengths fall, 0 where a band is not used."""
    fields = f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields"
    with h5py.File(path, "w") as out:
        out[f"{fields}/VNIR_Cube"], out[f"{fields}/SWIR_Cube"] = vnir, swir
        for name, nm in (("Vnir", vnir_nm), ("Swir", swir_nm)):
            out.attrs[f"List_Cw_{name}"] = nm.astype(np.float32)
            out.attrs[f"List_Fwhm_{name}"] = np.where(nm > 0, 10, 0).astype(np.float32)
            out.attrs[f"List_Cw_{name}_Flags"] = (nm > 0).astype(np.uint8)
        out.attrs["Product_StartTime"] = "2019-12-15T09:24:53.512"
        if level == "L1":
            out.attrs.update(ScaleFactor_Vnir=100.0, ScaleFactor_Swir=50.0, Offset_Vnir=0.5, Offset_Swir=0.0)
        else:
            out.attrs.update(L2ScaleVnirMin=-0.1, L2ScaleVnirMax=1.2, L2ScaleSwirMin=0.0, L2ScaleSwirMax=0.8)
        if level == "L2D":
            out.attrs.update(Epsg_Code=32633, Product_ULcorner_easting=363015.0, Product_ULcorner_northing=5809985.0)
        if cloud is not None:
            out[f"{fields}/Cloud_Mask"] = cloud.astype(np.uint8)
        if saturated is not None:
            matrix = np.where(saturated[:, np.newaxis], 2 if level == "L1" else 3, 0).astype(np.uint8)
            name = "PIXEL_SAT_ERR_MATRIX" if level == "L1" else "PIXEL_L2_ERR_MATRIX"
            out[f"{fields}/VNIR_{name}"] = np.repeat(matrix, vnir.shape[1], axis=1)
    return path


def emit(
    path: Path, values: NDArray, nm: NDArray, glt: NDArray, good: NDArray | None = None, chunks: tuple | None = None
) -> Path:
    """An EMIT file; `values` (H, W, C) in sensor geometry, `glt` (H', W', 2) columns and rows from 1."""
    with h5py.File(path, "w") as out:
        data = out.create_dataset("reflectance", data=values, chunks=chunks, compression="gzip" if chunks else None)
        data.attrs["_FillValue"] = np.float32(-9999)
        bands = out.create_group("sensor_band_parameters")
        bands["wavelengths"], bands["fwhm"] = nm.astype(np.float32), np.full(nm.size, 8.5, np.float32)
        bands["good_wavelengths"] = np.ones(nm.size, np.float32) if good is None else good.astype(np.float32)
        out["location/glt_x"], out["location/glt_y"] = glt[..., 0].astype(np.int32), glt[..., 1].astype(np.int32)
        out.attrs["time_coverage_start"] = "2022-08-14T16:12:36+0000"
        out.attrs["geotransform"] = np.array([13.0, 0.00054, 0.0, 52.5, 0.0, -0.00054])
        out.attrs["spatial_ref"] = rasterio.crs.CRS.from_epsg(4326).to_wkt()
    return path


def emit_mask(path: Path, values: NDArray) -> Path:
    """The file of masks of an EMIT scene, (H, W, 8)."""
    names = ["Cloud flag", "Cirrus flag", "Water flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550", "H2O", "All"]
    with h5py.File(path, "w") as out:
        out["mask"] = values.astype(np.float32)
        out["sensor_band_parameters/mask_bands"] = np.array(names, dtype=h5py.string_dtype())
        out["location/glt_x"] = np.zeros((1, 1), np.int32)
    return path
