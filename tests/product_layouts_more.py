"""Files in the layouts of further public products; see :mod:`product_layouts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
from product_layouts import GRID, raster
from rasterio.crs import CRS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_BAND = """<band><bandNumber>{number}</bandNumber><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand>
<wavelengthWidthOfBand>3.5</wavelengthWidthOfBand><gainOfBand>{gain}</gainOfBand><offsetOfBand>{offset}</offsetOfBand>
</band>"""
_LENS = "<band><bandNumber>{number}</bandNumber><wavelengths>1,2</wavelengths></band>"


def desis(folder: Path, values: NDArray, nm: NDArray, quality: NDArray | None, level: str = "L2A") -> Path:
    """A DESIS product; `quality` (H, W, 10) of L2A. L1C has gains and offsets a band, and declares no nodata here."""
    stem = f"DESIS-HSI-{level}-DT1203190212_025-20191203T021128-V0210"
    folder.mkdir()
    raster(folder / f"{stem}-SPECTRAL_IMAGE.tif", values, -32768 if level == "L2A" else None)
    if quality is not None:
        raster(folder / f"{stem}-QL_QUALITY-2.tif", quality.astype(np.uint16))
    steps = [(1e-4, 0) if level == "L2A" else (0.01 * number, -0.5 / number) for number in range(1, len(nm) + 1)]
    bands = "".join(
        _BAND.format(number=number, nm=centre, gain=gain, offset=offset)
        for number, (centre, (gain, offset)) in enumerate(zip(nm, steps, strict=True), 1)
    )
    lens = "".join(_LENS.format(number=number) for number in range(1, len(nm) + 1))
    (folder / f"{stem}-METADATA.xml").write_text(
        f"<hsi_doc><specific><interiorOrientation>{lens}</interiorOrientation>"
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific></hsi_doc>"
    )
    return folder


def neon(path: Path, values: NDArray, nm: NDArray) -> Path:
    """A NEON tile, (H, W, C) int16."""
    with h5py.File(path, "w") as out:
        group = out.create_group("SITE/Reflectance")
        group.attrs["Band_Window_1_Nanometers"] = np.array([1340, 1445])
        group.attrs["Band_Window_2_Nanometers"] = np.array([1790, 1955])
        data = group.create_dataset("Reflectance_Data", data=values)
        data.attrs["Scale_Factor"], data.attrs["Data_Ignore_Value"] = 10000.0, -9999.0
        spectral = group.create_group("Metadata/Spectral_Data")
        spectral["Wavelength"], spectral["FWHM"] = nm.astype(np.float32), np.full(nm.size, 5, np.float32)
        place = group.create_group("Metadata/Coordinate_System")
        place["Map_Info"] = "UTM,  1.000,  1.000, 363000.00, 5810000.00, 30.0, 30.0, 33, North, WGS-84, units=Meters"
        place["EPSG Code"] = "32633"
        out["SITE/Reflectance/Metadata/to-sensor_Zenith_Angle"] = np.zeros(values.shape[:2], np.float32)
    return path


def tanager(path: Path, values: NDArray, nm: NDArray, good: NDArray, cloud: NDArray, kind: str = "GRIDS") -> Path:
    """A Tanager file, (C, H, W) float32."""
    fields = f"HDFEOS/{kind}/HYP/Data Fields"
    _, height, width = values.shape
    with h5py.File(path, "w") as out:
        data = out.create_dataset(f"{fields}/surface_reflectance", data=values)
        data.attrs["wavelengths"], data.attrs["fwhm"] = nm, np.full(nm.size, 5.5)
        data.attrs["good_wavelengths"], data.attrs["_FillValue"] = good.astype(np.uint8), np.float32(-9999)
        out[f"{fields}/nodata_pixels"] = (values[0] == -9999).astype(np.uint8)
        out[f"{fields}/beta_cloud_mask"] = cloud.astype(np.uint8)
        out[f"HDFEOS/{kind}/HYP"].attrs["epsg_code"] = 32633
        east, south = GRID.c + 30 * width, GRID.f - 30 * height
        out["HDFEOS INFORMATION/StructMetadata.0"] = (
            f"GROUP=GridStructure\n\t\tXDim={width}\n\t\tYDim={height}\n\t\tUpperLeftPointMtrs=({GRID.c},{GRID.f})\n"
            f"\t\tLowerRightMtrs=({east},{south})\nEND\n"
        )
    return path


def pace_level_1(path: Path, cubes: dict[str, NDArray], nm: dict[str, NDArray]) -> Path:
    """A PACE OCI L1B file, cubes (C, H, W) by detector."""
    with h5py.File(path, "w") as out:
        for name, values in cubes.items():
            data = out.create_dataset(f"observation_data/rhot_{name}", data=values)
            data.attrs["_FillValue"] = np.float32(-32767)
            out[f"sensor_band_parameters/{name}_wavelength"] = nm[name].astype(np.float32)
    return path


def pace_level_2(path: Path, values: NDArray, nm: NDArray, flags: NDArray, name: str = "Rrs") -> Path:
    """A PACE OCI L2 file, (H, W, C) int16 with scale and offset."""
    with h5py.File(path, "w") as out:
        data = out.create_dataset(f"geophysical_data/{name}", data=values)
        data.attrs.update(scale_factor=np.float32(2e-6), add_offset=np.float32(0.05), _FillValue=np.int16(-32767))
        out["sensor_band_parameters/wavelength_3d"] = nm
        bits = out.create_dataset("geophysical_data/l2_flags", data=flags.astype(np.int32))
        bits.attrs["flag_meanings"] = "ATMFAIL LAND PRODWARN HIGLINT CLDICE"
        bits.attrs["flag_masks"] = np.array([1, 2, 4, 8, 512], np.int32)
    return path


def aviris(path: Path, values: NDArray, nm: NDArray) -> Path:
    """An AVIRIS-3 file on a map grid, (C, H, W)."""
    _, height, width = values.shape
    with h5py.File(path, "w") as out:
        data = out.create_dataset("reflectance/reflectance", data=values)
        data.attrs["_FillValue"] = np.float32(-9999)
        out["reflectance/wavelength"], out["reflectance/fwhm"] = nm, np.full(nm.size, 7.4)
        out["easting"] = GRID.c + 30 * (np.arange(width) + 0.5)
        out["northing"] = GRID.f - 30 * (np.arange(height) + 0.5)
        _transverse_mercator(out)
    return path


def aviris_level_1(path: Path, values: NDArray, nm: NDArray, samples: NDArray, lines: NDArray) -> Path:
    """AVIRIS radiance as the sensor saw it, (C, H, W), with its lookup table (H', W') from 1."""
    height, width = samples.shape
    with h5py.File(path, "w") as out:
        out["radiance/radiance"], out["radiance/wavelength"] = values, nm
        out["radiance/radiance"].attrs["_FillValue"] = np.float32(-9999)
        table = out.create_group("geolocation_lookup_table")
        table["sample"], table["line"] = samples.astype(np.int32), lines.astype(np.int32)
        table["easting"] = GRID.c + 30 * (np.arange(width) + 0.5)
        table["northing"] = GRID.f - 30 * (np.arange(height) + 0.5)
        _transverse_mercator(out)
    return path


def _transverse_mercator(out: h5py.File) -> None:
    out["transverse_mercator"] = np.array(b"")
    out["transverse_mercator"].attrs["crs_wkt"] = CRS.from_epsg(32633).to_wkt()
    out["transverse_mercator"].attrs["GeoTransform"] = f"{GRID.c} 30.0 0.0 {GRID.f} 0.0 -30.0"


def hyperion(folder: Path, values: dict[int, NDArray]) -> Path:
    """A Hyperion L1T product, a band (H, W) by its number."""
    folder.mkdir()
    stem = "EO1H1930232012150110K0"
    for number, band in values.items():
        raster(folder / f"{stem}_B{number:03d}_L1T.TIF", band[..., np.newaxis])
    (folder / f"{stem}_MTL_L1T.TXT").write_text(
        "GROUP = L1_METADATA_FILE\n  GROUP = RADIANCE_SCALING\n    SCALING_FACTOR_VNIR = 40.000\n"
        "    SCALING_FACTOR_SWIR = 80.000\n  END_GROUP = RADIANCE_SCALING\nEND\n"
    )
    return folder


def gaofen5(folder: Path, vnir: NDArray, swir: NDArray, vnir_nm: NDArray, swir_nm: NDArray) -> Path:
    """A Gaofen-5 AHSI product, cubes (H, W, C); gain 0.01 and 0.02, offset 0.5."""
    folder.mkdir()
    stem = "GF5B_AHSI_E74.4_N37.2_20231009_011103_L10000403537"
    for name, values, nm, gain in (("VNIR", vnir, vnir_nm, 0.01), ("SWIR", swir, swir_nm, 0.02)):
        raster(folder / f"{stem}_{name[:2] if name == 'SWIR' else 'VN'}.tif", values)
        (folder / f"GF5B_AHSI_RadCal_{name}.raw").write_text(f"{gain},0.5\n" * nm.size)
        rows = "".join(f"{centre},4.3\n" for centre in nm)
        (folder / f"GF5B_AHSI_Spectralresponse_{name}.raw").write_text(rows)
    return folder
