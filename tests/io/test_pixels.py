"""Pixels read here and there, beside the whole scene."""

import numpy as np
import pytest

from mmhsi.io import open_cube
from mmhsi.io import pixels as module
from mmhsi.io.pixels import read_pixels


@pytest.mark.parametrize("values", [1 << 22, 2 * 6 * 3, 1])  # all rows at once, two at a time, one
def test_pixels_are_those_of_the_whole_scene(tmp_path, monkeypatch, values):
    monkeypatch.setattr(module, "VALUES_AT_A_TIME", values)
    rng = np.random.default_rng(0)
    data = rng.integers(0, 9000, (11, 6, 5)).astype(np.uint16)
    np.save(tmp_path / "s.npy", data)
    wanted = np.array([3, 4, 6, 29, 30, 48, 65])  # of rows 0, 1, 4, 5, 8 and 10
    with open_cube(tmp_path / "s.npy") as reader:
        read, shapes = reader.read, []
        monkeypatch.setattr(reader, "read", lambda window, bands: shapes.append(window) or read(window, bands))
        found = read_pixels(reader, wanted, [4, 0, 2])
        assert read_pixels(reader, wanted[:0], [4, 0, 2]).shape == (0, 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, data.reshape(-1, 5)[wanted][:, [4, 0, 2]])
    assert max(height * width * 3 for _, _, height, width in shapes) <= max(values, 6 * 3)
