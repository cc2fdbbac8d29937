import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from cube_files import PLACE, make_cube

from mmhsi.errors import DataError
from mmhsi.io import HSICube, read_cube, write_class_map, write_cube
from mmhsi.io.files import writing


def _cube(data):
    bands = data.shape[2]
    return HSICube(
        data=data,
        wavelengths=400.0 + np.arange(bands) / 3.0,
        fwhm=5.0 + np.arange(bands) / 7.0,
        good_bands=np.arange(bands) % 3 != 1,
        nodata=7.0,
        **PLACE,
    )


@pytest.mark.parametrize("dtype", ["int16", "float64"])
def test_round_trip(tmp_path, dtype):
    cube = _cube(make_cube(5, dtype))
    path = tmp_path / "out" / "scene.tif"
    write_cube(path, cube)
    result = read_cube(path)
    assert result.data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result.data, cube.data)
    np.testing.assert_array_equal(result.wavelengths, cube.wavelengths)
    np.testing.assert_array_equal(result.fwhm, cube.fwhm)
    np.testing.assert_array_equal(result.good_bands, cube.good_bands)
    assert (result.nodata, result.crs, result.transform) == (7.0, cube.crs, cube.transform)
    assert [file.name for file in path.parent.iterdir()] == ["scene.tif"]


def test_what_other_programs_see(tmp_path):
    cube = _cube(make_cube(4))
    write_cube(tmp_path / "scene.tif", cube)
    with rasterio.open(tmp_path / "scene.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), cube.data.transpose(2, 0, 1))
        assert dataset.profile["tiled"]
        assert dataset.profile["compress"] == "deflate"
        tags = dataset.tags(2)
    assert float(tags["wavelength"]) == 400.0 + 1 / 3
    assert tags["wavelength_units"] == "Nanometers"
    assert tags["bbl"] == "0"


def test_nan_nodata(tmp_path):
    data = make_cube(3, "float32")
    data[1, 2, 0] = np.nan
    write_cube(tmp_path / "scene.tif", HSICube(data, nodata=float("nan")))
    result = read_cube(tmp_path / "scene.tif")
    assert result.nodata is not None
    assert np.isnan(result.nodata)
    assert np.argwhere(~result.valid()).tolist() == [[1, 2]]


def test_cube_without_metadata(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_cube(tmp_path / "scene.tif", HSICube(make_cube(3)))
        result = read_cube(tmp_path / "scene.tif")
    assert result.wavelengths is None
    assert result.fwhm is None
    assert result.crs is None
    assert result.transform is None
    assert result.nodata is None


@pytest.mark.parametrize("dtype", ["float16", "bool"])
def test_types_that_a_geotiff_cannot_hold(tmp_path, refused, dtype):
    path = tmp_path / "scene.tif"
    refused(lambda: write_cube(path, HSICube(np.zeros((2, 2, 2), dtype))), DataError, path, dtype, "float32")
    assert list(tmp_path.iterdir()) == []


def test_nodata_that_the_type_cannot_hold_leaves_nothing(tmp_path, refused):
    path = tmp_path / "scene.tif"
    cube = HSICube(make_cube(2, "uint8"), nodata=-9999.0)
    refused(lambda: write_cube(path, cube), DataError, path, "cannot write", "-9999")
    assert list(tmp_path.iterdir()) == []


def test_interruption_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "scene.tif"
    write_cube(path, HSICube(make_cube(2)))
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmhsi.io.cube_writer._band_tags", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_cube(path, HSICube(make_cube(3)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_class_names_of_an_earlier_map_do_not_stay(tmp_path):
    path = tmp_path / "scene.tif"
    write_class_map(path, np.zeros((3, 3), int), class_names=["soil"], palette=[(1, 2, 3)])
    assert len(list(tmp_path.iterdir())) == 3  # the map, its class names, its style
    write_cube(path, HSICube(make_cube(2)))
    assert {file.name for file in tmp_path.iterdir()} == {"scene.tif", "scene.qml"}  # a style may be the user's


def test_a_full_disk_is_said_whatever_a_library_makes_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    with pytest.raises(DataError, match=r"a\.tif: cannot write: No space left on device$"), writing(tmp_path / "a.tif"):
        raise ValueError("not recognized as being in a supported file format")
