"""Class maps read back."""

import numpy as np
import pytest

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import HSICube, read_class_map, write_class_map, write_cube


def test_round_trip(tmp_path):
    classes = np.array([[0, 1, 9], [1, 0, 0]])
    palette = [(1, 2, 3), (250, 0, 7)]
    write_class_map(tmp_path / "m.tif", classes, class_names=["Ödland", "b"], palette=palette, nodata=9)
    found = read_class_map(tmp_path / "m.tif")
    assert found.classes.tolist() == [[0, 1, 255], [1, 0, 0]]
    assert (found.names, found.palette) == (["Ödland", "b"], palette)


def test_another_raster_is_refused(tmp_path):
    write_cube(tmp_path / "c.tif", HSICube(np.zeros((3, 3, 2), np.uint8)))
    with pytest.raises(DataError, match="has no class names"):
        read_class_map(tmp_path / "c.tif")
    (tmp_path / "d.tif").write_bytes(b"II*\0")
    with pytest.raises(FileFormatError, match=r"d\.tif"):
        read_class_map(tmp_path / "d.tif")
