"""Which variable of a .mat file is taken; the same for both versions."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from cube_files import make_cube, write_mat5, write_mat73

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import open_cube, read_cube, read_label_map
from mmhsi.io.readers.mat5_file import Mat5File


@pytest.fixture(params=["5", "7.3"])
def write_mat(request, tmp_path):
    def write(**variables: np.ndarray) -> Path:
        path = tmp_path / "scene.mat"
        return (write_mat5 if request.param == "5" else write_mat73)(path, **variables)

    return write


def test_only_3d_variable_is_found(write_mat):
    cube = make_cube(6)
    path = write_mat(count=np.ones((1, 1)), labels=np.ones((13, 17)), scene=cube)
    np.testing.assert_array_equal(read_cube(path).data, cube)


def test_named_variable(write_mat):
    cube = make_cube(6)
    path = write_mat(hsi=cube, rgb=cube[..., :3] + 1)
    np.testing.assert_array_equal(read_cube(path, key="rgb").data, cube[..., :3] + 1)
    np.testing.assert_array_equal(read_cube(path, key="hsi").data, cube)


def test_several_3d_variables(write_mat, refused):
    path = write_mat(hsi=make_cube(6), rgb=make_cube(3), gt=np.ones((13, 17)))
    refused(lambda: read_cube(path), DataError, path, "2 variables", "hsi (13x17x6", "rgb (13x17x3", "gt (13x17 ")


def test_no_3d_variable(write_mat, refused):
    path = write_mat(gt=np.ones((13, 17)))
    refused(lambda: read_cube(path), DataError, path, "no variable with three axes", "gt (13x17 double)")


def test_wrong_key(write_mat, refused):
    path = write_mat(hsi=make_cube(6), gt=np.ones((13, 17)))
    refused(lambda: read_cube(path, key="HSI"), DataError, path, "'HSI'", "hsi (13x17x6 int16)", "gt (13x17 double)")


def test_key_of_a_map_where_a_cube_is_needed(write_mat, refused):
    path = write_mat(hsi=make_cube(6), gt=np.ones((13, 17)))
    refused(lambda: read_cube(path, key="gt"), DataError, path, "gt (13x17 double)", "(H, W, C)")
    refused(lambda: read_label_map(path, key="hsi"), DataError, path, "hsi (13x17x6 int16)", "(H, W)")


def test_text_is_no_number_in_either_version(tmp_path, refused):
    scipy.io.savemat(tmp_path / "five.mat", {"text": "shopping"})
    with h5py.File(tmp_path / "seven.mat", "w") as file:
        file["text"] = np.zeros((8, 1, 1), dtype="uint16")
        file["text"].attrs["MATLAB_class"] = np.bytes_("char")
    for path in (tmp_path / "five.mat", tmp_path / "seven.mat"):
        refused(lambda path=path: read_cube(path, key="text"), DataError, path, "holds no numbers")


def test_fields_of_a_struct_and_matlabs_own_groups(tmp_path):
    cube = make_cube(6)
    with h5py.File(tmp_path / "scene.mat", "w") as file:
        file["#refs#/a"] = cube.T
        file["sensor/cube"] = cube.T
        file["sensor/cube"].attrs["MATLAB_class"] = np.bytes_("int16")
    np.testing.assert_array_equal(read_cube(tmp_path / "scene.mat").data, cube)
    np.testing.assert_array_equal(read_cube(tmp_path / "scene.mat", key="sensor/cube").data, cube)


def test_version_5_is_loaded_once(tmp_path, monkeypatch):
    scipy.io.savemat(tmp_path / "scene.mat", {"scene": make_cube(6)})
    loads = []
    load = Mat5File.read
    monkeypatch.setattr(Mat5File, "read", lambda file, name: loads.append(1) or load(file, name))
    with open_cube(tmp_path / "scene.mat") as reader:
        assert loads == []
        for row in range(5):
            reader.read((row, 0, 2, 2))
    assert loads == [1]


def test_version_73_reads_only_the_window(tmp_path, monkeypatch):
    path = write_mat73(tmp_path / "scene.mat", scene=make_cube(32))
    shapes = []
    getitem = h5py.Dataset.__getitem__

    def recording(self, args, *more, **kwargs):
        block = getitem(self, args, *more, **kwargs)
        shapes.append(block.shape)
        return block

    monkeypatch.setattr(h5py.Dataset, "__getitem__", recording)
    with open_cube(path) as reader:
        reader.read((2, 3, 4, 5), [20, 2, 9])
    assert shapes == [(3, 5, 4)]


def test_lists_of_bands_beside_the_cube(write_mat):
    cube = make_cube(6)
    nm = np.array([[450.0, 550, 650, 750, 850, 950]])
    flags = np.array([[1.0, 0, 1, 1, 0, 1]])
    path = write_mat(scene=cube, Wavelength=nm, bbl=flags, FWHM=np.full((1, 6), 9.0), rgb_wl=np.ones((1, 3)))
    with open_cube(path, key="scene") as reader:
        np.testing.assert_array_equal(reader.info.wavelengths, nm[0])
        np.testing.assert_array_equal(reader.info.good_bands, flags[0] == 1)
        np.testing.assert_array_equal(reader.info.fwhm, np.full(6, 9.0))


@pytest.mark.filterwarnings("ignore:.*other values than 0 and 1")
@pytest.mark.parametrize("values", [np.ones((1, 5)), np.full((1, 6), 7.0), np.ones((6, 6))], ids=["5", "7s", "matrix"])
def test_lists_that_are_none_of_bands(tmp_path, values):
    path = write_mat5(tmp_path / "scene.mat", scene=make_cube(6), bbl=values)
    with open_cube(path, key="scene") as reader:
        assert reader.info.good_bands.all()


def test_lists_of_bands_beside_a_matrix_of_pixels(tmp_path):
    flags = np.array([[1.0, 0, 1, 1, 0, 1]])
    path = write_mat5(tmp_path / "scene.mat", Y=make_cube(6).reshape(-1, 6).T, bbl=flags)
    with open_cube(path, key="Y", shape=(13, 17)) as reader:
        np.testing.assert_array_equal(reader.info.good_bands, flags[0] == 1)


@pytest.fixture
def small_memory(tmp_path, monkeypatch):
    """Variables of more than 100 bytes are large, and unpacked two planes at a time."""
    monkeypatch.setenv("MMHSI_UNPACKED", str(tmp_path / "unpacked"))
    monkeypatch.setattr("mmhsi.io.readers.mat.ALWAYS_THERE", 100)
    monkeypatch.setattr("mmhsi.io.readers.mat5_file._SLAB", 2 * 13 * 17 * 2 + 5)
    return tmp_path / "unpacked"


@pytest.mark.parametrize("packed", [True, False], ids=["version 7", "version 6"])
@pytest.mark.parametrize("axes", ["y x band", "band y x", "x band y"])
def test_a_large_variable_is_unpacked_once_and_read_in_windows(tmp_path, small_memory, monkeypatch, packed, axes):
    cube = make_cube(7)
    shown = cube.transpose([["y", "x", "band"].index(axis) for axis in axes.split()])
    path = tmp_path / "scene.mat"
    scipy.io.savemat(path, {"other": np.ones((2, 2, 2)), "scene": shown}, do_compression=packed)
    monkeypatch.setattr(Mat5File, "read", None)
    unpacked = []
    unpack = Mat5File.unpack
    monkeypatch.setattr(Mat5File, "unpack", lambda *args: unpacked.append(args[1]) or unpack(*args))
    for _ in range(2):
        with open_cube(path, key="scene", axes=axes) as reader:
            np.testing.assert_array_equal(reader.read().data, cube)
            np.testing.assert_array_equal(reader.read((3, 4, 5, 6), [5, 1]).data, cube[3:8, 4:10][..., [5, 1]])
            assert reader.info.dtype == np.int16
    assert unpacked == ["scene"]
    scipy.io.savemat(path, {"other": np.ones((2, 2, 2)), "scene": shown[::-1]}, do_compression=packed)
    read_cube(path, key="scene", axes=axes)
    assert unpacked == ["scene"] * 2


def test_a_large_matrix_of_pixels(tmp_path, small_memory):
    cube = make_cube(6)
    matrix = cube.reshape(-1, 6, order="F").T  # counted down the columns
    path = write_mat5(tmp_path / "scene.mat", Y=matrix)
    np.testing.assert_array_equal(read_cube(path, key="Y", shape=(13, 17)).data, cube)


def test_a_large_variable_that_is_cut_leaves_nothing(tmp_path, small_memory, refused):
    path = write_mat5(tmp_path / "scene.mat", scene=make_cube(7))
    path.write_bytes(path.read_bytes()[:-40])
    refused(lambda: read_cube(path), FileFormatError, path)
    assert not [found for found in small_memory.rglob("*") if found.suffix != ".lock"]


def test_a_large_variable_takes_no_memory(tmp_path, small_memory, monkeypatch):
    monkeypatch.setattr("mmhsi.io.readers.mat5_file._SLAB", 1 << 20)
    cube = np.random.default_rng(0).integers(0, 9, (200, 300, 200), np.int16)
    scipy.io.savemat(tmp_path / "scene.mat", {"scene": cube}, do_compression=True)
    tracemalloc.start()
    with open_cube(tmp_path / "scene.mat") as reader:
        part = reader.read((50, 60, 9, 8)).data
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(part, cube[50:59, 60:68])
    assert peak < cube.nbytes / 3
