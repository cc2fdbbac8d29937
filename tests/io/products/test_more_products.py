"""Further sensors' products, against the values that were written."""

import h5py
import numpy as np
import product_layouts_more as layouts
import pytest
from product_layouts import GRID

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import open_cube

RNG = np.random.default_rng(11)
pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.errors.DataWarning")


def _mark(*pixels):
    marked = np.zeros((5, 4), bool)
    for pixel in pixels:
        marked[pixel] = True
    return marked


def test_desis(tmp_path):
    values = RNG.integers(0, 9000, (5, 4, 3)).astype(np.int16)
    quality = np.zeros((5, 4, 10))
    quality[1, 2, 0] = quality[2, 2, 5] = quality[3, 3, 6] = 1
    quality[..., 1], quality[..., 8] = 1, 77  # land, and a layer that is no flag
    folder = layouts.desis(tmp_path / "d", values, np.array([401.0, 600.0, 999.0]), quality)
    for path in (folder, folder / "DESIS-HSI-L2A-DT1203190212_025-20191203T021128-V0210-SPECTRAL_IMAGE.tif"):
        with open_cube(path, mask=("cloud", "shadow")) as reader:
            cube = reader.read()
        np.testing.assert_allclose(cube.data, values * 1e-4, rtol=1e-6)
        assert cube.wavelengths.tolist() == [401, 600, 999]
        assert cube.fwhm.tolist() == [3.5] * 3
        np.testing.assert_array_equal(~cube.valid(), _mark((1, 2), (2, 2), (3, 3)))


def test_neon(tmp_path):
    values = RNG.integers(0, 9000, (5, 4, 4)).astype(np.int16)
    values[0, 1] = -9999
    path = layouts.neon(tmp_path / "NEON_D01.h5", values, np.array([400.0, 1400.0, 1800.0, 2400.0]))
    with open_cube(path) as reader:
        cube = reader.read((0, 1, 3, 3), [3, 1])
        info = reader.info
    np.testing.assert_allclose(cube.data[1:], values[1:3, 1:4][..., [3, 1]] * 1e-4, rtol=1e-6)
    assert np.isnan(cube.data[0, 0]).all()
    assert info.good_bands.tolist() == [True, False, False, True]
    assert (info.transform, info.crs.to_epsg()) == (GRID, 32633)


@pytest.mark.parametrize("kind", ["GRIDS", "SWATHS"])
def test_tanager(tmp_path, kind):
    values = RNG.random((3, 5, 4)).astype(np.float32)
    values[:, 4, 3] = -9999
    nm, good = np.array([400.0, 1400.0, 2400.0]), np.array([1, 0, 1])
    path = layouts.tanager(tmp_path / "t.h5", values, nm, good, _mark((2, 1)), kind)
    with open_cube(path, mask="cloud") as reader:
        cube = reader.read()
    np.testing.assert_array_equal(cube.data, values.transpose(1, 2, 0))
    np.testing.assert_array_equal(~cube.valid(), _mark((2, 1), (4, 3)))
    assert cube.good_bands.tolist() == [True, False, True]
    assert cube.transform == (GRID if kind == "GRIDS" else None)


def test_pace_joins_three_detectors(tmp_path):
    nm = {"blue": np.array([400.0, 602.5]), "red": np.array([600.0, 800.0]), "SWIR": np.array([1250.0, 1250.0])}
    cubes = {name: RNG.random((2, 5, 4)).astype(np.float32) for name in nm}
    with open_cube(layouts.pace_level_1(tmp_path / "PACE.L1B.nc", cubes, nm)) as reader:
        cube = reader.read()
    expected = [cubes["blue"][0], cubes["red"][0], cubes["blue"][1], cubes["red"][1], *cubes["SWIR"]]
    np.testing.assert_array_equal(cube.data, np.stack(expected, axis=-1))
    assert cube.wavelengths.tolist() == [400, 600, 602.5, 800, 1250, 1250]
    assert cube.good_bands.tolist() == [True, True, False, True, True, False]


def test_hyperion(tmp_path):
    numbers = [*range(8, 58), *range(77, 225)]
    values = {number: np.full((2, 3), number, np.int16) for number in numbers}
    folder = layouts.hyperion(tmp_path / "h", values)
    with open_cube(folder / "EO1H1930232012150110K0_B100_L1T.TIF") as reader:
        cube = reader.read((0, 1, 1, 1))
    order = np.argsort([355.59 + 10.1754 * (n - 1) if n < 71 else 851.92 + 10.0889 * (n - 71) for n in numbers])
    expected = [numbers[place] / (40 if numbers[place] < 71 else 80) for place in order]
    np.testing.assert_allclose(cube.data[0, 0], expected, rtol=1e-6)
    # bands 56 and 57 lie in the SWIR detector's range
    assert cube.wavelengths[~cube.good_bands] == pytest.approx([915.2, 925.4], abs=0.1)
    (folder / "EO1H1930232012150110K0_B100_L1T.TIF").unlink()
    with pytest.raises(FileFormatError, match="no file EO1H1930232012150110K0_B100_L1T"):
        open_cube(folder)


def test_gaofen5(tmp_path):
    vnir, swir = (RNG.integers(1, 4000, (5, 4, 2)).astype(np.uint16) for _ in range(2))
    vnir[2, 2] = swir[2, 2] = 0
    folder = layouts.gaofen5(tmp_path / "g", vnir, swir, np.array([450.0, 1010.0]), np.array([1005.0, 2400.0]))
    with open_cube(folder) as reader:
        cube = reader.read()
    columns = [vnir[..., 0] * 0.01, swir[..., 0] * 0.02, vnir[..., 1] * 0.01, swir[..., 1] * 0.02]
    np.testing.assert_allclose(cube.data, np.stack(columns, axis=-1) + 0.5, rtol=1e-6)
    assert cube.good_bands.tolist() == [True, True, False, True]
    np.testing.assert_array_equal(~cube.valid(), _mark((2, 2)))


def test_what_a_damaged_description_raises_is_one_line(tmp_path):
    path = layouts.tanager(tmp_path / "t.h5", np.ones((3, 5, 4), np.float32), *np.ones((2, 3)), _mark())
    with h5py.File(path, "r+") as content:
        del content["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"]
        content["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"] = np.dtype("f4")  # a type where the cube was
        content["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"].attrs.update(wavelengths=np.ones(3))
    with pytest.raises(FileFormatError, match="Tanager: what it says of itself cannot be read"):
        open_cube(path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "Coordinate_System/Map_Info",
            "UTM, 1, 1, 363000, 5810000, 1, 1, rotation=12.5",
            "must lie north up",
        ),
        ("Coordinate_System/Map_Info", "UTM, nan, 1, 363000, 5810000, 1, 1, 33", "no area on the ground"),
        ("Spectral_Data/Wavelength", np.array([0.4, 0.6, 0.8]), "a wavelength is 0.4; expected nm"),
    ],
)
def test_what_neon_cannot_mean_is_refused(tmp_path, name, text, said):
    path = layouts.neon(tmp_path / "n.h5", np.ones((5, 4, 3), np.int16), np.array([400.0, 600.0, 800.0]))
    with h5py.File(path, "r+") as content:
        metadata = content["SITE/Reflectance/Metadata"]
        del metadata[name]
        metadata[name] = text
    with pytest.raises((FileFormatError, DataError), match=said):
        open_cube(path)
