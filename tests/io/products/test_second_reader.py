"""Products as a second reader sees them, written from the published layouts with none of the package's code.

Each reader gives values (H, W, C) with NaN where there is none, wavelengths in nm, the affine's six numbers (None
without a place) and the pixels that its quality layer calls cloudy.
"""

import re
from xml.etree import ElementTree

import h5py
import netCDF4
import numpy as np
import product_layouts
import product_layouts_more as more
import pytest
import rasterio

from mmhsi.io import open_cube

NM = np.linspace(380, 2490, 12)
CLOUD = np.zeros((6, 7), bool)
CLOUD[[3, 5], [1, 6]] = True
pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.errors.DataWarning")


def _numbers(low, high, shape=(6, 7, 12), kind=np.int16):
    return np.random.default_rng(0).integers(low, high, shape).astype(kind)


def _floats(shape, missing):
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    values[missing] = -9999
    return values


def _netcdf(path, name, wavelengths, order):
    """Scaled and masked by the library."""
    with netCDF4.Dataset(path) as content:
        values = np.ma.filled(content[name][:].astype(np.float64), np.nan).transpose(order)
        return values, np.asarray(content[wavelengths][:])


def emit(folder):
    glt = np.stack(np.meshgrid(np.arange(1, 8), np.arange(1, 7)), axis=-1)
    path = folder / "EMIT_L2A_RFL_001.nc"
    product_layouts.emit(path, _floats((6, 7, 12), (2, 3)), NM, glt, chunks=(3, 4, 5))
    values, nm = _netcdf(path, "reflectance", "sensor_band_parameters/wavelengths", (0, 1, 2))
    return path, dict(ortho=False), values, nm, None, None


def pace(folder, name="Rrs"):
    stored = _numbers(-2000, 9000)
    stored[4, 1] = -32767
    path = more.pace_level_2(folder / "PACE.nc", stored, NM, np.where(CLOUD, 512 | 2, 5), name)
    values, nm = _netcdf(path, f"geophysical_data/{name}", "sensor_band_parameters/wavelength_3d", (0, 1, 2))
    with netCDF4.Dataset(path) as content:
        flags = content["geophysical_data/l2_flags"]
        bit = flags.flag_masks[flags.flag_meanings.split().index("CLDICE")]
        return path, {}, values, nm, None, flags[:] & bit != 0


def pace_surface(folder):
    return pace(folder, "rhos")


def pace_level_1(folder):
    nm = {"blue": NM[:4], "red": NM[4:6], "SWIR": NM[6:]}
    cubes = {name: np.random.default_rng(1).random((len(axis), 6, 7)).astype(np.float32) for name, axis in nm.items()}
    path = more.pace_level_1(folder / "PACE.nc", cubes, nm)
    names = [(f"observation_data/rhot_{name}", f"sensor_band_parameters/{name}_wavelength") for name in nm]
    parts = [_netcdf(path, *pair, (1, 2, 0)) for pair in names]
    values, centres = (np.concatenate([part[place] for part in parts], axis=-1) for place in (0, 1))
    return path, {}, values, centres, None, None


def aviris(folder):
    path = more.aviris(folder / "AV3_RFL_ORT.nc", _floats((12, 6, 7), (slice(None), 0, 5)), NM)
    values, nm = _netcdf(path, "reflectance/reflectance", "reflectance/wavelength", (1, 2, 0))
    return path, {}, values, nm, _geotransform(path), None


def _geotransform(path):
    with h5py.File(path) as content:
        x, dx, rx, y, ry, dy = map(float, content["transverse_mercator"].attrs["GeoTransform"].split())
    return dx, rx, x, ry, dy, y


def aviris_level_1(folder):
    rng = np.random.default_rng(2)
    samples, lines = rng.integers(0, 6, (6, 7)), rng.integers(1, 5, (6, 7))
    samples[1, 1] = -3  # filled from a neighbour
    path = more.aviris_level_1(folder / "AV5_RDN.nc", _floats((12, 4, 5), (slice(None), 3, 2)), NM, samples, lines)
    raw, nm = _netcdf(path, "radiance/radiance", "radiance/wavelength", (1, 2, 0))
    values = np.full((6, 7, 12), np.nan)
    with h5py.File(path) as content:
        table = content["geolocation_lookup_table"]
        for place in np.ndindex(6, 7):
            line, sample = abs(int(table["line"][place])), abs(int(table["sample"][place]))
            if line and sample:
                values[place] = raw[line - 1, sample - 1]
    return path, {}, values, nm, _geotransform(path), None


def neon(folder):
    stored = _numbers(0, 9000)
    stored[5, 0] = -9999
    path = more.neon(folder / "NEON_D01_BART_DP1_reflectance.h5", stored, NM)
    with h5py.File(path) as content:
        (site,) = content
        group = content[f"{site}/Reflectance"]
        data, words = group["Reflectance_Data"], group["Metadata/Coordinate_System/Map_Info"].asstr()[()].split(",")
        values = np.where(data[()] == data.attrs["Data_Ignore_Value"], np.nan, data[()] / data.attrs["Scale_Factor"])
        x, y, width, height = (float(words[place]) for place in (3, 4, 5, 6))
        return path, {}, values, group["Metadata/Spectral_Data/Wavelength"][()], (width, 0, x, 0, -height, y), None


def tanager(folder, kind="GRIDS"):
    good = np.arange(12) != 5
    path = more.tanager(folder / "t_ortho_sr_hdf5.h5", _floats((12, 6, 7), (slice(None), 2, 2)), NM, good, CLOUD, kind)
    with h5py.File(path) as content:
        fields = content[f"HDFEOS/{kind}/HYP/Data Fields"]
        cube = fields["surface_reflectance"]
        outside = fields["nodata_pixels"][()] > 0
        values = np.where(outside[..., np.newaxis], np.nan, cube[()].transpose(1, 2, 0))
        text = content["HDFEOS INFORMATION/StructMetadata.0"].asstr()[()]
        corners = [re.search(rf"{name}=\(([^)]+)\)", text)[1] for name in ("UpperLeftPointMtrs", "LowerRightMtrs")]
        (x0, y0), (x1, y1) = ([float(word) for word in corner.split(",")] for corner in corners)
        place = ((x1 - x0) / 7, 0, x0, 0, (y1 - y0) / 6, y0) if kind == "GRIDS" else None
        return path, {}, values, cube.attrs["wavelengths"], place, fields["beta_cloud_mask"][()] > 0


def tanager_basic(folder):
    return tanager(folder, "SWATHS")


def desis(folder, level="L2A"):
    stored = _numbers(0, 9000)
    stored[4, 4] = -32768
    quality = np.zeros((6, 7, 10))
    quality[..., 5] = CLOUD
    path = more.desis(folder / "d", stored, NM, quality if level == "L2A" else None, level)
    files = {name: next(path.glob(f"*{name}*")) for name in ("SPECTRAL_IMAGE", "METADATA")}
    bands = ElementTree.parse(files["METADATA"]).getroot().find(".//bandCharacterisation").findall("band")
    nm, gain, offset = (
        np.array([float(band.find(tag).text) for band in bands])
        for tag in ("wavelengthCenterOfBand", "gainOfBand", "offsetOfBand")
    )
    with rasterio.open(files["SPECTRAL_IMAGE"]) as image:
        raw, place = image.read().transpose(1, 2, 0).astype(float), tuple(image.transform)[:6]
    cloud = None
    if level == "L2A":
        with rasterio.open(next(path.glob("*QL_QUALITY-2*"))) as layers:
            cloud = (layers.read([6, 7]) > 0).any(axis=0)
    return path, {}, np.where(raw == -32768, np.nan, raw * gain + offset), nm, place, cloud


def desis_level_1(folder):
    return desis(folder, "L1C")


def hyperion(folder):
    numbers = [*range(8, 58), *range(77, 225)]
    path = more.hyperion(folder / "h", dict(zip(numbers, _numbers(1, 9000, (198, 6, 7)), strict=True)))
    text = next(path.glob("*_MTL_*")).read_text()
    scale = {name: float(re.search(rf"SCALING_FACTOR_{name} = ([\d.]+)", text)[1]) for name in ("VNIR", "SWIR")}
    # From the sensor's published table: bands 8, 9, 20, 40, 57 and 77, 78, 100, 150, 200, 224.
    known = {8: 426.82, 9: 436.99, 20: 548.92, 40: 752.43, 57: 925.41}
    known |= {77: 912.45, 78: 922.54, 100: 1144.48, 150: 1648.90, 200: 2153.34, 224: 2395.50}
    nm = np.interp(numbers[:50], *zip(*list(known.items())[:5], strict=True)).tolist()
    nm += np.interp(numbers[50:], *zip(*list(known.items())[5:], strict=True)).tolist()
    values = []
    for number in numbers:
        with rasterio.open(next(path.glob(f"*_B{number:03d}_*"))) as band:
            values.append(band.read(1) / scale["VNIR" if number <= 70 else "SWIR"])
            place = tuple(band.transform)[:6]
    order = np.argsort(nm)
    return path, {}, np.stack(values, axis=-1)[..., order], np.array(nm)[order], place, None


def gaofen5(folder):
    vnir, swir = _numbers(1, 4000, (6, 7, 5), np.uint16), _numbers(1, 4000, (6, 7, 7), np.uint16)
    path = more.gaofen5(folder / "g", vnir, swir, NM[:5], NM[5:])
    values, nm = [], []
    for ending, name in (("VN", "VNIR"), ("SW", "SWIR")):
        gain = np.array([line.split(",") for line in next(path.glob(f"*RadCal_{name}*")).read_text().split()], float)
        response = next(path.glob(f"*Spectralresponse_{name}*")).read_text().split()
        nm += [float(line.split(",")[0]) for line in response]
        with rasterio.open(next(path.glob(f"*_{ending}.tif"))) as image:
            values.append(image.read().transpose(1, 2, 0) * gain[:, 0] + gain[:, 1])
            place = tuple(image.transform)[:6]
    return path, {}, np.concatenate(values, axis=-1), np.array(nm), place, None


CASES = [
    *(emit, pace, pace_surface, pace_level_1, aviris, aviris_level_1, neon, tanager, tanager_basic),
    *(desis, desis_level_1, hyperion, gaofen5),
]
NO_REFLECTANCE = (pace, aviris_level_1, desis_level_1, hyperion, gaofen5)
"""Radiance, or reflectance per steradian."""


@pytest.mark.parametrize("case", CASES)
def test_products_are_what_a_second_reader_reads(tmp_path, case):
    path, options, expected, nm, place, cloud = case(tmp_path)
    with open_cube(path, **options) as reader:
        cube = reader.read()
        part = reader.read((1, 2, 4, 3), [7, 2])
    assert reader.info.reflectance == (case not in NO_REFLECTANCE)
    np.testing.assert_allclose(cube.wavelengths, nm, rtol=1e-6, atol=0.1 if case is hyperion else 0)
    assert (cube.transform is None) == (place is None)
    if place is not None:
        np.testing.assert_allclose(cube.transform[:6], place)
        assert cube.crs.to_epsg() == 32633
    valid = np.isfinite(expected).all(axis=-1)
    np.testing.assert_array_equal(cube.valid(), valid)
    np.testing.assert_allclose(cube.data[valid], expected[valid], rtol=1e-6)
    known = valid[1:5, 2:5]
    np.testing.assert_allclose(part.data[known], expected[1:5, 2:5][..., [7, 2]][known], rtol=1e-6)
    if cloud is not None:
        with open_cube(path, mask="cloud", **options) as reader:
            np.testing.assert_array_equal(reader.read().valid(), valid & ~cloud)
