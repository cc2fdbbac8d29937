"""Cubes and abundances stored as matrices of pixels."""

import h5py
import numpy as np
import pytest
import scipy.io
from product_layouts import raster

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import open_cube, open_label_map, read_cube, read_labels

RNG = np.random.default_rng(5)
CUBE = RNG.integers(0, 999, (4, 6, 3)).astype(np.int16)


def _matlab(cube):
    """As MATLAB writes reshape(cube, [], bands)': down the columns first."""
    return cube.reshape(-1, cube.shape[2], order="F").T


@pytest.mark.parametrize("transposed", [False, True])
def test_matlab_matrix(tmp_path, transposed):
    matrix = _matlab(CUBE)
    path = tmp_path / "samson.mat"
    scipy.io.savemat(path, dict(V=matrix.T if transposed else matrix, nRow=4, nCol=6))
    np.testing.assert_array_equal(read_cube(path, shape=(4, 6)).data, CUBE)
    with open_cube(path, key="V", shape=(4, 6), axes="pixel band" if transposed else "band pixel") as reader:
        np.testing.assert_array_equal(reader.read((1, 2, 3, 2), [2, 0]).data, CUBE[1:, 2:4][..., [2, 0]])


def test_other_files_count_along_the_rows(tmp_path):
    np.save(tmp_path / "a.npy", CUBE.reshape(-1, 3))
    np.testing.assert_array_equal(read_cube(tmp_path / "a.npy", shape=[4, 6]).data, CUBE)
    with h5py.File(tmp_path / "a.h5", "w") as out:
        out["Y"] = _matlab(CUBE)
    cube = read_cube(tmp_path / "a.h5", shape=(4, 6), axes="band pixel/F")
    np.testing.assert_array_equal(cube.data, CUBE)


def test_what_does_not_fit_is_said(tmp_path):
    np.save(tmp_path / "a.npy", CUBE.reshape(-1, 3))
    with pytest.raises(DataError, match=r"a matrix of 24 x 3 is no scene of shape=\(5, 6\), 30 pixels"):
        open_cube(tmp_path / "a.npy", shape=(5, 6))
    with pytest.raises(DataError, match="expected 'band pixel' or 'pixel band'"):
        open_cube(tmp_path / "a.npy", shape=(4, 6), axes="y x band")
    with pytest.raises(ConfigError, match=r"shape=\(4,\) given"):
        open_cube(tmp_path / "a.npy", shape=(4,))
    scipy.io.savemat(tmp_path / "m.mat", dict(V=_matlab(CUBE)))
    with pytest.raises(DataError, match=r"a matrix of pixels with shape=\(rows, columns\)"):
        open_cube(tmp_path / "m.mat")


def test_abundances_are_labels_from_a_threshold_on(tmp_path):
    abundances = np.array([[[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]], [[0.3, 0.49], [np.nan, 1.0], [0.0, 0.5]]])
    expected = [[1, 1, 2], [0, 0, 2]]
    np.save(tmp_path / "a.npy", abundances)
    with open_label_map(tmp_path / "a.npy", threshold=0.5) as reader:
        np.testing.assert_array_equal(read_labels(reader), expected)
        np.testing.assert_array_equal(read_labels(reader, (0, 1, 2, 2)), np.array(expected)[:, 1:])
    scipy.io.savemat(tmp_path / "a.mat", dict(A=_matlab(abundances), M=np.ones((9, 2))))
    with open_label_map(tmp_path / "a.mat", "A", "band pixel", 0.5, (2, 3)) as reader:
        np.testing.assert_array_equal(read_labels(reader), expected)
    with pytest.raises(DataError, match="label_threshold="):
        open_label_map(raster(tmp_path / "a.tif", np.nan_to_num(abundances)))
    with pytest.raises(ConfigError, match="label_threshold=2"):
        open_label_map(tmp_path / "a.npy", threshold=2)
