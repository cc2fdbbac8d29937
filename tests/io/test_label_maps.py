import h5py
import numpy as np
import pytest
import scipy.io
from cube_files import write_envi, write_geotiff, write_mat5, write_mat73, write_npy

from mmhsi.errors import DataError
from mmhsi.io import NO_LABEL, label_map_info, read_label_map

LABELS = np.arange(13 * 17).reshape(13, 17) % 15


@pytest.fixture(params=["tif", "envi", "mat5", "mat73", "npy", "npy3"])
def write_labels(request, tmp_path):
    def write(values: np.ndarray):
        if request.param == "tif":
            return write_geotiff(tmp_path / "gt.tif", values[..., None])
        if request.param == "envi":
            return write_envi(tmp_path / "gt.img", values[..., None], big_endian=True).with_suffix(".hdr")
        if request.param == "mat5":
            return write_mat5(tmp_path / "gt.mat", gt=values, classes=15.0, colours=np.zeros((15, 3, 2)))
        if request.param == "mat73":
            return write_mat73(tmp_path / "gt.mat", gt=values, classes=np.ones((1, 1)), names=np.ones((1, 15)))
        return write_npy(tmp_path / "gt.npy", values if request.param == "npy" else values[..., None])

    return write


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_every_format_and_type(write_labels, dtype):
    labels = read_label_map(write_labels(LABELS.astype(dtype)))
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, LABELS)


def test_window(write_labels):
    path = write_labels(LABELS.astype("uint8"))
    np.testing.assert_array_equal(read_label_map(path, window=(3, 4, 5, 6)), LABELS[3:8, 4:10])


def test_window_outside(write_labels, refused):
    path = write_labels(LABELS.astype("uint8"))
    refused(lambda: read_label_map(path, window=(0, 0, 20, 20)), DataError, path, "13 x 17 pixels")


def test_info(write_labels):
    assert label_map_info(write_labels(LABELS.astype("uint8"))).shape == (13, 17, 1)


def test_first_value_that_is_not_whole(write_labels, refused):
    values = LABELS.astype("float32")
    values[4, 7], values[9, 1] = 2.5, 3.5
    path = write_labels(values)
    refused(lambda: read_label_map(path), DataError, path, "label 2.5", "row 4, column 7")
    refused(lambda: read_label_map(path, window=(3, 6, 3, 3)), DataError, path, "label 2.5", "row 4, column 7")


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30])
def test_values_beyond_int64(write_labels, refused, value):
    values = LABELS.astype("float64")
    values[2, 3] = value
    path = write_labels(values)
    refused(lambda: read_label_map(path), DataError, path, f"label {value}", "row 2, column 3")


@pytest.mark.parametrize("fill", [0, 255, -1])
def test_nan_becomes_fill(write_labels, fill):
    values = LABELS.astype("float32")
    values[2, 3] = np.nan
    expected = LABELS.copy()
    expected[2, 3] = fill
    np.testing.assert_array_equal(read_label_map(write_labels(values), fill=fill), expected)


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 14), ("int16", -32768), ("float32", -32768.0)])
def test_nodata_becomes_fill(tmp_path, dtype, nodata):
    values = LABELS.astype(dtype)
    values[2, 3] = nodata
    path = write_geotiff(tmp_path / "gt.tif", values[..., None], nodata=nodata)
    np.testing.assert_array_equal(read_label_map(path, fill=255), np.where(values == nodata, 255, LABELS))


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_several_bands_are_no_label_map(tmp_path, refused, bands):
    values = np.stack([LABELS] * bands, axis=-1).astype("uint8")
    path = write_geotiff(tmp_path / "gt.tif", values, photometric="minisblack", alpha="no")
    for read in (read_label_map, label_map_info):
        refused(lambda read=read: read(path), DataError, path, f"has {bands} bands")


def test_missing_labels_are_no_number(tmp_path):
    path = write_geotiff(tmp_path / "gt.tif", LABELS[..., None].astype("uint8"), nodata=14)
    labels = read_label_map(path)
    assert set(labels[LABELS == 14].tolist()) == {NO_LABEL}
    np.testing.assert_array_equal(labels[LABELS != 14], LABELS[LABELS != 14])


def test_booleans(tmp_path):
    np.save(tmp_path / "gt.npy", LABELS > 7)
    scipy.io.savemat(tmp_path / "gt.mat", {"gt": LABELS > 7})
    write_mat73(tmp_path / "gt73.mat", gt=LABELS > 7)
    for name in ("gt.npy", "gt.mat", "gt73.mat"):
        np.testing.assert_array_equal(read_label_map(tmp_path / name), (LABELS > 7).astype(int))


def test_several_maps_in_a_file(tmp_path, refused):
    path = tmp_path / "gt.mat"
    scipy.io.savemat(path, {"train": LABELS, "test": LABELS + 1})
    refused(lambda: read_label_map(path), DataError, path, "2 variables", "train (13x17", "test (13x17")
    np.testing.assert_array_equal(read_label_map(path, key="test"), LABELS + 1)


def test_narrow_map_by_its_key(tmp_path):
    with h5py.File(tmp_path / "gt.mat", "w") as file:
        file["gt"] = np.arange(5).reshape(5, 1)  # (W, H), as MATLAB stores it
        file["gt"].attrs["MATLAB_class"] = np.bytes_("int64")
    np.testing.assert_array_equal(read_label_map(tmp_path / "gt.mat", key="gt"), [[0, 1, 2, 3, 4]])


@pytest.mark.parametrize("shape", [(4,), (4, 5, 2)])
def test_npy_axes(tmp_path, refused, shape):
    path = tmp_path / "gt.npy"
    np.save(path, np.zeros(shape))
    refused(lambda: read_label_map(path), DataError, path, str(shape), "(H, W)")


def test_unsigned_values_beyond_int64(tmp_path, refused):
    path = tmp_path / "gt.npy"
    np.save(path, np.array([[1, 2**63]], dtype="uint64"))
    refused(lambda: read_label_map(path), DataError, path, str(2**63), "row 0, column 1")
