"""Cubes as arrays: NumPy's, xarray's as rioxarray writes and reads them, and what a notebook shows."""

import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import rioxarray
import xarray
from affine import Affine
from rasterio.crs import CRS

from mmhsi.errors import DataError
from mmhsi.io import HSICube, read_cube, write_cube
from mmhsi.io.arrays import cube_of

CRS_UTM = CRS.from_epsg(32633)
PLACES = {"north up": Affine(30, 0, 366000, 0, -30, 5800000), "south up": Affine(30, 0, 366000, 0, 30, 5790000)}


def a_cube(transform=PLACES["north up"]):
    data = np.random.default_rng(0).normal(0.3, 0.1, (7, 9, 5)).astype(np.float32)
    data[2, 3] = -1
    good = np.array([True, True, False, True, True])
    nm = np.array([460.0, 550, 640, 860, 2200])
    return HSICube(data, nm, np.full(5, 10.0), good, -1, CRS_UTM, transform, "scene")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("absent", ["nothing", "rioxarray"])
def test_what_goes_to_xarray_comes_back(place, absent, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    cube = a_cube(PLACES[place])
    back = read_cube(cube.to_xarray())
    np.testing.assert_array_equal(back.data, cube.data)
    for name in ("wavelengths", "fwhm", "good_bands"):
        np.testing.assert_array_equal(getattr(back, name), getattr(cube, name))
    assert (back.nodata, back.crs, back.transform, back.name) == (-1, cube.crs, cube.transform, "scene")


@pytest.mark.parametrize("place", PLACES)
def test_rioxarray_finds_the_place(place):
    array = a_cube(PLACES[place]).to_xarray().transpose("band", "y", "x")
    assert array.rio.crs.to_epsg() == 32633
    assert array.rio.transform() == PLACES[place]
    assert array.rio.nodata == -1


def test_what_rioxarray_opens_is_what_the_reader_reads(tmp_path):
    cube = a_cube()
    write_cube(tmp_path / "scene.tif", cube)
    with rioxarray.open_rasterio(tmp_path / "scene.tif") as opened:
        found = read_cube(opened, window=(1, 2, 3, 4), bands=[4, 0])
    wanted = read_cube(tmp_path / "scene.tif", window=(1, 2, 3, 4), bands=[4, 0])
    np.testing.assert_array_equal(found.data, wanted.data)
    assert (found.crs, found.transform, found.nodata) == (wanted.crs, wanted.transform, wanted.nodata)


def test_dimensions_and_units_by_other_names():
    values = np.arange(24).reshape(2, 3, 4)
    array = xarray.DataArray(
        values,
        dims=("wavelength", "lat", "lon"),
        coords={"wavelength": ("wavelength", [0.4, 0.5], {"units": "um"}), "lat": [3.0, 2, 1], "lon": [5.0, 6, 7, 8]},
    )
    cube = cube_of(array)
    np.testing.assert_array_equal(cube.data, values.transpose(1, 2, 0))
    np.testing.assert_allclose(cube.wavelengths, [400, 500])
    assert cube.transform is None  # no coordinate system, no place


def test_numpy_arrays_and_their_windows():
    values = np.arange(60).reshape(5, 3, 4)
    np.testing.assert_array_equal(read_cube(values, axes="band y x").data, values.transpose(1, 2, 0))
    part = read_cube(values, window=(1, 0, 2, 3), bands=[3, 1])
    np.testing.assert_array_equal(part.data, values[1:3, 0:3][..., [3, 1]])
    assert np.asarray(part) is part.data
    assert np.asarray(part, dtype=np.float32).dtype == np.float32
    assert np.array(part) is not part.data


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 4)), r"expected numbers \(H, W, C\)"),
        (np.array([[["a"]]]), "expected numbers"),
        (xarray.DataArray(np.zeros((2, 2)), dims=("y", "x")), "expected y, x and band"),
        (xarray.DataArray(np.zeros((2, 2, 2)), dims=("time", "y", "x")), "expected y, x and band"),
        (a_cube().to_xarray().assign_coords(x=np.arange(9.0) ** 2), "not evenly spaced"),
        (a_cube().to_xarray().assign_coords(spatial_ref=((), 0, {"crs_wkt": "nonsense"})), "cannot be read"),
    ],
)
def test_what_is_no_cube_is_one_line(given, message):
    with pytest.raises(DataError, match=message) as caught:
        read_cube(given)
    assert "\n" not in str(caught.value)


def test_a_short_repr_and_a_page():
    cube = a_cube()
    assert repr(cube) == "HSICube(7 x 9 pixels, 5 bands, float32, 460 to 2200 nm, 1 flagged bad, EPSG:32633, 'scene')"
    cube.name = "<b>&"
    page = cube._repr_html_()
    assert "<b>" not in page
    (drawn,) = re.findall(r"<svg.*</svg>", page, re.DOTALL)
    assert ElementTree.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
    assert page.endswith("</svg>\n</div>")


def test_a_figure_and_empty_cubes():
    shown = a_cube().plot()
    assert [axes.get_xlabel() for axes in shown.axes] == ["", "wavelength in nm"]
    picture, line = shown.axes[0].images[0].get_array(), shown.axes[1].lines[0]
    assert picture.shape == (7, 9, 3)
    assert not picture[2, 3].any()  # no data there
    np.testing.assert_allclose(line.get_xdata(), [460, 550, 640, 860, 2200])
    known = a_cube().data[a_cube().valid()].astype(np.float64).mean(axis=0)
    known[2] = np.nan  # a gap at the bad band
    np.testing.assert_allclose(line.get_ydata(), known)
    empty = HSICube(np.zeros((0, 3, 4)))
    assert "0 x 3" in repr(empty)
    assert "0 x 3" in empty._repr_html_()
    assert HSICube(np.full((2, 2, 3), np.nan))._repr_html_()


def test_masked_values_hold_no_data():
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    given = np.ma.masked_where(data == 9, data)
    np.testing.assert_array_equal(read_cube(given).valid(), [[True, True, False], [True, True, True]])
    turned = read_cube(given.transpose(2, 0, 1), axes="band y x")
    np.testing.assert_array_equal(turned.data, data)
    np.testing.assert_array_equal(turned.mask, data != 9)
    assert read_cube(np.ma.masked_array(data)).mask is None


def test_nothing_to_draw_is_one_line():
    with pytest.raises(DataError, match=r"HSICube\(0 x 3 pixels.*holds nothing to draw"):
        read_cube(np.zeros((0, 3, 4))).plot()
