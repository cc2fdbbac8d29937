import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import DataError
from mmhsi.io import CubeInfo, HSICube


def test_everything_is_good_and_valid_by_default():
    cube = HSICube(np.zeros((2, 3, 4), dtype=np.int16))
    assert cube.good_bands.tolist() == [True] * 4
    assert cube.valid().tolist() == [[True] * 3] * 2


def test_nodata_in_one_good_band_makes_a_pixel_invalid():
    data = np.ones((2, 3, 4), dtype=np.int16)
    data[0, 1, 2] = -9999
    assert HSICube(data, nodata=-9999.0).valid().tolist() == [[True, False, True], [True, True, True]]


def test_bands_flagged_bad_do_not_count():
    data = np.ones((1, 2, 3), dtype=np.float32)
    data[0, 0, 1] = -32768
    data[0, 1, 1] = np.nan
    good = np.array([True, False, True])
    assert HSICube(data, nodata=-32768.0, good_bands=good).valid().tolist() == [[True, True]]
    assert HSICube(data, nodata=-32768.0).valid().tolist() == [[False, False]]


@pytest.mark.parametrize("nodata", [None, float("nan"), -1.0])
def test_nan_and_inf_are_never_valid(nodata):
    data = np.ones((1, 4, 2), dtype=np.float32)
    data[0, 0, 0], data[0, 1, 1], data[0, 2, 0] = np.nan, np.inf, -np.inf
    assert HSICube(data, nodata=nodata).valid().tolist() == [[False, False, False, True]]


@pytest.mark.parametrize("nodata", [-9999.0, 70000.0, 0.5, float("nan")])
def test_nodata_that_an_unsigned_cube_cannot_hold_hides_nothing(nodata):
    data = np.arange(6, dtype=np.uint16).reshape(1, 3, 2)
    assert HSICube(data, nodata=nodata).valid().all()


def test_float32_nodata_given_with_float64_digits():
    data = np.array([[[-3.4028235e38], [1.0]]], dtype=np.float32)
    assert HSICube(data, nodata=-3.4028234663852886e38).valid().tolist() == [[False, True]]


def test_large_integers_are_compared_exactly():
    data = np.array([[[2**53], [2**53 + 1]]], dtype=np.int64)
    assert HSICube(data, nodata=float(2**53)).valid().tolist() == [[False, True]]


def test_valid_by_blocks_of_rows_equals_valid_at_once(monkeypatch):
    data = np.random.default_rng(0).integers(0, 20, (11, 5, 3)).astype(np.int16)
    expected = (data != 7).all(axis=-1)
    assert not expected.all()
    monkeypatch.setattr("mmhsi.io.cube._VALUES_AT_A_TIME", 31)
    np.testing.assert_array_equal(HSICube(data, nodata=7.0).valid(), expected)


def test_big_endian_data_becomes_native():
    cube = HSICube(np.arange(8, dtype=">i2").reshape(2, 2, 2))
    assert cube.data.dtype.isnative
    assert cube.data.ravel().tolist() == list(range(8))


def test_select_bands_keeps_metadata_in_step():
    cube = HSICube(
        data=np.arange(24).reshape(2, 3, 4),
        wavelengths=np.array([400.0, 500.0, 600.0, 700.0]),
        fwhm=np.array([4.0, 5.0, 6.0, 7.0]),
        good_bands=np.array([True, False, True, True]),
        nodata=-1.0,
        crs=CRS.from_epsg(32633),
        transform=Affine(30, 0, 10, 0, -30, 20),
        name="scene.tif",
    )
    part = cube.select_bands([3, 1])
    np.testing.assert_array_equal(part.data, cube.data[:, :, [3, 1]])
    assert part.wavelengths is not None
    assert part.fwhm is not None
    assert part.wavelengths.tolist() == [700.0, 500.0]
    assert part.fwhm.tolist() == [7.0, 5.0]
    assert part.good_bands.tolist() == [True, False]
    assert (part.nodata, part.crs, part.transform, part.name) == (cube.nodata, cube.crs, cube.transform, cube.name)
    part.data[:] = 0
    assert cube.data[0, 0, 3] == 3


@pytest.mark.parametrize("bands", [[], [4], [-1], [1.0], [True, False, True, False], np.array([True] * 4)])
def test_select_bands_refuses(bands, refused):
    cube = HSICube(np.zeros((2, 3, 4)), name="scene.tif")
    refused(lambda: cube.select_bands(bands), DataError, "scene.tif", "band")


@pytest.mark.parametrize("field", ["wavelengths", "fwhm", "good_bands"])
@pytest.mark.parametrize("kind", [HSICube, CubeInfo])
def test_per_band_metadata_of_the_wrong_length_is_refused(field, kind, refused):
    first = {"data": np.zeros((2, 3, 4))} if kind is HSICube else {"shape": (2, 3, 4), "dtype": np.dtype("u1")}
    refused(lambda: kind(**first, **{field: np.ones(3)}, name="scene.tif"), DataError, "scene.tif", field, "4 bands")


def test_a_cube_of_two_axes_is_refused(refused):
    refused(lambda: HSICube(np.zeros((2, 3)), name="map.npy"), DataError, "map.npy", "(H, W, C)", "(2, 3)")
