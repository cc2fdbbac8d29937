"""Products in netCDF as the netCDF library itself reads them."""

import netCDF4
import numpy as np
import product_layouts
import product_layouts_more
import pytest

from mmhsi.io import open_cube

NM = np.linspace(380, 2490, 12)


def emit(folder):
    values = np.random.default_rng(0).random((6, 7, 12)).astype(np.float32)
    values[2, 3] = -9999
    glt = np.stack(np.meshgrid(np.arange(1, 8), np.arange(1, 7)), axis=-1)
    path = product_layouts.emit(folder / "EMIT_L2A_RFL_001.nc", values, NM, glt, chunks=(3, 4, 5))
    return path, "reflectance", "sensor_band_parameters/wavelengths", (0, 1, 2), dict(ortho=False)


def pace(folder):
    stored = np.random.default_rng(0).integers(-2000, 9000, (6, 7, 12)).astype(np.int16)
    stored[4, 1] = -32767
    path = product_layouts_more.pace_level_2(folder / "PACE.nc", stored, NM, np.zeros((6, 7)))
    return path, "geophysical_data/Rrs", "sensor_band_parameters/wavelength_3d", (0, 1, 2), {}


def aviris(folder):
    values = np.random.default_rng(0).random((12, 6, 7)).astype(np.float32)
    values[:, 0, 5] = -9999
    path = product_layouts_more.aviris(folder / "AV320231008t142023_RFL_ORT.nc", values, NM)
    return path, "reflectance/reflectance", "reflectance/wavelength", (1, 2, 0), {}


@pytest.mark.parametrize("make", [emit, pace, aviris])
def test_values_and_wavelengths_are_those_of_netcdf4(tmp_path, make):
    path, name, wavelengths, order, options = make(tmp_path)
    with netCDF4.Dataset(path) as content:
        values = content[name][:]  # scaled and masked by the library
        expected = np.ma.filled(values.astype(np.float64), np.nan).transpose(order)
        nm = np.asarray(content[wavelengths][:])
    with open_cube(path, **options) as reader:
        cube = reader.read()
        part = reader.read((1, 2, 4, 3), [7, 2])
    np.testing.assert_allclose(cube.wavelengths, nm, rtol=1e-6)
    valid = np.isfinite(expected).all(axis=-1)
    assert (~valid).sum() == 1
    np.testing.assert_array_equal(cube.valid(), valid)
    np.testing.assert_allclose(cube.data[valid], expected[valid], rtol=1e-6)
    known = valid[1:5, 2:5]
    np.testing.assert_allclose(part.data[known], expected[1:5, 2:5][..., [7, 2]][known], rtol=1e-6)
