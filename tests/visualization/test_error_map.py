"""Error maps by hand."""

import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.visualization import error_map
from mmhsi.visualization.error_map import ERROR_COLOURS


def test_right_wrong_and_not_compared():
    truth = np.array([[0, 1, 255], [2, 2, 0]], dtype=np.uint8)
    predicted = np.array([[0, 2, 1], [2, 0, 255]])
    right, wrong, neither = ERROR_COLOURS["right"], ERROR_COLOURS["wrong"], (0, 0, 0)
    expected = [[right, wrong, neither], [right, wrong, neither]]
    picture = error_map(predicted, truth)
    assert picture.dtype == np.uint8
    assert picture.tolist() == np.array(expected).tolist()


def test_another_ignore_index():
    assert error_map(np.array([[7]]), np.array([[7]]), ignore_index=7).tolist() == [[[0, 0, 0]]]


def test_shapes_must_agree():
    with pytest.raises(DataError, match=r"ground truth is \(2, 3\)"):
        error_map(np.zeros((3, 2), int), np.zeros((2, 3), int))
