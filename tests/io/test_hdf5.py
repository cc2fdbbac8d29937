"""HDF5 and netCDF-4: axes from the file or from the user, never guessed; compared with what h5py itself reads."""

import h5py
import numpy as np
import pytest
from cube_files import make_cube, write_mat73, write_npy
from rasterio.transform import from_origin

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import open_cube, read_cube, read_label_map

CUBE = make_cube(6)
NM = [400.0, 500.0, 600.0, 700.0, 800.0, 900.0]
ORDERS = {"y x band": (0, 1, 2), "band y x": (2, 0, 1), "y band x": (0, 2, 1), "x y band": (1, 0, 2)}


def _write(path, order="y x band", name="reflectance", **attributes):
    with h5py.File(path, "w") as file:
        data = file.create_dataset(name, data=CUBE.transpose(ORDERS[order]), chunks=True, compression="gzip")
        data.attrs.update(attributes)
    return path


def _with_scales(path, order, names=("latitude", "longitude", "wavelengths"), **options):
    """As netCDF-4 writes it: a dimension scale for each axis."""
    _write(path, order)
    sizes = dict(zip(("y", "x", "band"), CUBE.shape, strict=True))
    with h5py.File(path, "r+") as file:
        for role, name in zip(("y", "x", "band"), names, strict=True):
            file[name] = options.get(role, np.arange(sizes[role], dtype=float))
            file[name].make_scale(name)
            file["reflectance"].dims[order.split().index(role)].attach_scale(file[name])
    return path


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize(
    "names", [("latitude", "longitude", "wavelengths"), ("y", "x", "band"), ("row", "col", "channel")]
)
def test_dimension_scales(tmp_path, order, names):
    path = _with_scales(tmp_path / "scene.nc", order, names)
    with open_cube(path) as reader:
        assert reader.info.shape == CUBE.shape
        np.testing.assert_array_equal(reader.read().data, CUBE)
        np.testing.assert_array_equal(reader.read((2, 3, 4, 5), [5, 0, 5]).data, CUBE[2:6, 3:8, [5, 0, 5]])


@pytest.mark.parametrize(
    "attributes",
    [
        {"_ARRAY_DIMENSIONS": ["band", "y", "x"]},
        {"Dimension_Labels": "Wavelength, Line, Sample"},
        {"interleave": "BSQ"},
    ],
)
def test_axes_in_attributes(tmp_path, attributes):
    path = _write(tmp_path / "scene.h5", "band y x", **attributes)
    np.testing.assert_array_equal(read_cube(path).data, CUBE)


def test_labels_of_axes(tmp_path):
    path = _write(tmp_path / "scene.h5", "band y x")
    with h5py.File(path, "r+") as file:
        for axis, label in enumerate(("bands", "lines", "samples")):
            file["reflectance"].dims[axis].label = label
    np.testing.assert_array_equal(read_cube(path).data, CUBE)


@pytest.mark.parametrize("name", ["scene.h5", "scene.nc", "scene.mat", "scene"])
@pytest.mark.parametrize("order", list(ORDERS))
def test_axes_that_nobody_names_are_refused_until_the_user_does(tmp_path, refused, name, order):
    path = _write(tmp_path / name, order)
    with h5py.File(path, "r+") as file:
        file["wavelength"] = NM
    shape = "x".join(str(CUBE.shape[axis]) for axis in ORDERS[order])
    refused(
        lambda: read_cube(path), DataError, path, f"reflectance ({shape} int16)", "axes='y x band'", "wavelength (6 "
    )
    cube = read_cube(path, key="reflectance", axes=order)
    np.testing.assert_array_equal(cube.data, CUBE)
    assert cube.wavelengths.tolist() == NM


@pytest.mark.parametrize("axes", ["y x", "y x x", "y x band band", "row column spectrum", "y x -", ""])
def test_axes_that_do_not_fit(tmp_path, refused, axes):
    path = _write(tmp_path / "scene.h5")
    with pytest.raises(DataError, match="axes="):
        read_cube(path, axes=axes)


def test_axes_of_length_one(tmp_path):
    with h5py.File(tmp_path / "scene.h5", "w") as file:
        file["cube"] = CUBE[np.newaxis]
    np.testing.assert_array_equal(read_cube(tmp_path / "scene.h5", axes="- y x band").data, CUBE)


def test_axes_of_numpy_and_matlab(tmp_path):
    path = write_npy(tmp_path / "scene.npy", CUBE.transpose(2, 0, 1))
    np.testing.assert_array_equal(read_cube(path, axes="band y x").data, CUBE)
    path = write_mat73(tmp_path / "scene.mat", scene=CUBE.transpose(2, 0, 1))
    np.testing.assert_array_equal(read_cube(path, axes="band y x").data, CUBE)
    np.testing.assert_array_equal(read_cube(path).data, CUBE.transpose(2, 0, 1))


@pytest.mark.parametrize("other", ["quicklook", "radiance", "preview/rgb"])
def test_several_data_sets(tmp_path, refused, other):
    path = _with_scales(tmp_path / "scene.nc", "y x band")
    with h5py.File(path, "r+") as file:
        file[other] = np.zeros((4, 5, 3), "uint8")
    refused(lambda: read_cube(path), DataError, path, "2 variables", "reflectance (13x17x6", f"{other} (4x5x3")
    np.testing.assert_array_equal(read_cube(path, key="/reflectance").data, CUBE)


def test_a_preview_alone_is_no_cube(tmp_path, refused):
    path = _write(tmp_path / "scene.h5", name="quicklook", interleave="bip")
    refused(lambda: read_cube(path), DataError, path, "quicklook", "key=")
    np.testing.assert_array_equal(read_cube(path, key="quicklook").data, CUBE)


def test_missing_values_and_scale(tmp_path):
    path = _with_scales(tmp_path / "scene.nc", "band y x")
    with h5py.File(path, "r+") as file:
        file["reflectance"].attrs.update({"_FillValue": np.int16([7]), "missing_value": np.int16([700, 14])})
        file["reflectance"].attrs["valid_range"] = np.int16([0, 1400])
    expected = ~np.isin(CUBE, [7, 14, 700]) & (CUBE <= 1400)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.valid(), expected.all(axis=-1))
    assert cube.nodata == 7
    with h5py.File(path, "r+") as file:
        file["reflectance"].attrs.update({"scale_factor": 0.5, "add_offset": 3.0})
    cube = read_cube(path, bands=[1, 2])
    np.testing.assert_array_equal(cube.valid(), expected[..., 1:3].all(axis=-1))
    valid = cube.valid()
    np.testing.assert_array_equal(cube.data[valid], (CUBE[..., 1:3] * 0.5 + 3)[valid].astype("float32"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("scale_factor", "abc"), ("scale_factor", [1.0, 2.0]), ("add_offset", np.nan), ("_FillValue", "none at all")],
)
def test_attributes_that_would_go_unheard_are_refused(tmp_path, name, value):
    path = _with_scales(tmp_path / "scene.nc", "band y x")
    with h5py.File(path, "r+") as file:
        file["reflectance"].attrs[name] = value
    with pytest.raises(DataError, match=f"/reflectance says {name} = "):
        read_cube(path)


def test_numbers_as_texts(tmp_path):
    path = _with_scales(tmp_path / "scene.nc", "band y x")
    with h5py.File(path, "r+") as file:
        file["reflectance"].attrs.update({"scale_factor": "0.5", "add_offset": "", "_FillValue": b"-1"})
    np.testing.assert_array_equal(read_cube(path).data, CUBE * np.float32(0.5))


def test_what_lies_beside_the_cube(tmp_path):
    path = _write(tmp_path / "scene.h5", "y x band", interleave="bip")
    with h5py.File(path, "r+") as file:
        file["sensor_band_parameters/wavelengths"] = [value / 1000 for value in NM]
        file["sensor_band_parameters/wavelengths"].attrs["units"] = "um"
        file["sensor_band_parameters/fwhm"] = [0.01] * 6
        file["sensor_band_parameters/good_wavelengths"] = [1.0, 0, 1, 1, 1, 1]
    info = open_cube(path).info
    np.testing.assert_allclose(info.wavelengths, NM)
    np.testing.assert_allclose(info.fwhm, [10] * 6)
    assert info.good_bands.tolist() == [True, False, True, True, True, True]


def test_place_from_coordinates(tmp_path):
    y, x = 5809950.0 - 30 * np.arange(13), 366030.0 + 30 * np.arange(17)
    path = _with_scales(tmp_path / "scene.nc", "y x band", ("y", "x", "band"), y=y, x=x)
    with h5py.File(path, "r+") as file:
        file["crs"] = 0
        file["crs"].attrs["crs_wkt"] = __import__("rasterio").crs.CRS.from_epsg(32633).to_wkt()
        file["reflectance"].attrs["grid_mapping"] = "crs"
    info = open_cube(path).info
    assert info.crs.to_epsg() == 32633
    assert info.transform.almost_equals(from_origin(366015.0, 5809965.0, 30, 30))  # corners, not centres
    np.testing.assert_array_equal(read_cube(path).data, CUBE)
    south_up = _with_scales(tmp_path / "up.nc", "y x band", y=50 + 0.1 * np.arange(13), x=8 + 0.1 * np.arange(17))
    info = open_cube(south_up).info
    assert info.crs.to_epsg() == 4326
    assert info.transform.e == pytest.approx(0.1)  # rows stay in the file's order
    np.testing.assert_array_equal(read_cube(south_up).data, CUBE)


def test_label_maps(tmp_path, refused):
    labels = np.arange(13 * 17).reshape(13, 17) % 5
    with h5py.File(tmp_path / "gt.h5", "w") as file:
        file["gt"] = labels.T
    refused(lambda: read_label_map(tmp_path / "gt.h5"), DataError, tmp_path / "gt.h5", "gt (17x13 int64)", "axes=")
    np.testing.assert_array_equal(read_label_map(tmp_path / "gt.h5", axes="x y"), labels)
    with h5py.File(tmp_path / "gt.h5", "r+") as file:
        file["gt"].attrs["_ARRAY_DIMENSIONS"] = ["lon", "lat"]
        file["gt"].attrs["_FillValue"] = 3
    np.testing.assert_array_equal(read_label_map(tmp_path / "gt.h5", fill=-1), np.where(labels == 3, -1, labels))


def test_other_containers(tmp_path, refused):
    np.savez(tmp_path / "scene.npz", cube=CUBE, rgb=CUBE)
    refused(lambda: read_cube(tmp_path / "scene.npz"), DataError, tmp_path / "scene.npz", "cube, rgb", ".npy")
    (tmp_path / "old.nc").write_bytes(b"CDF\x01" + bytes(99))
    refused(lambda: read_cube(tmp_path / "old.nc"), FileFormatError, tmp_path / "old.nc", "nccopy")


def test_links_to_other_files_are_not_followed(tmp_path, refused):
    path = _with_scales(tmp_path / "scene.nc", "y x band")
    with h5py.File(path, "r+") as file:
        file["crs"] = h5py.ExternalLink("/dev/zero", "/crs")
        file["reflectance"].attrs["grid_mapping"] = "crs"
    assert open_cube(path).info.shape == CUBE.shape


@pytest.mark.parametrize("user_block", [0, 1024])
@pytest.mark.parametrize("dtype", ["<u2", ">f4"])
@pytest.mark.parametrize("chunks", [None, (3, 2, 2)])
def test_windows_of_plain_arrays_are_those_of_h5py(tmp_path, user_block, dtype, chunks):
    values = np.random.default_rng(0).integers(0, 999, (9, 4, 7)).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=user_block) as out:
        out["before"] = np.arange(5)
        out.create_dataset("cube", data=values, chunks=chunks)
    with open_cube(tmp_path / "a.h5", "cube", "y band x") as reader:
        found = reader.read((2, 1, 5, 4), [3, 0, 3]).data
    np.testing.assert_array_equal(found, values.transpose(0, 2, 1)[2:7, 1:5][..., [3, 0, 3]])
    assert found.flags.writeable


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (3, 1, 1)])
def test_a_scene_of_one_pixel_or_line_is_found(shape, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"], file["time"] = np.full(shape, 7.0), np.arange(2)
    np.testing.assert_array_equal(read_cube(tmp_path / "a.h5", axes="y x band").data, np.full(shape, 7.0))
