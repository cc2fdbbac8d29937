"""A scene beside its map, and ground truth in its classes."""

import numpy as np
import pytest

from mmhsi.errors import DataError
from mmhsi.io import ClassMap, CubeInfo, HSICube, open_cube, write_class_map, write_cube
from mmhsi.visualization.mapped_scene import mapped_scene, read_truth

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]


def info(height: int, width: int) -> CubeInfo:
    return CubeInfo(shape=(height, width, 2), dtype=np.dtype(np.float32))


def test_classes_of_a_label_map_with_names_are_found_by_these(tmp_path):
    labels = np.array([[0, 1, 2, 255]], dtype=np.uint8)
    write_class_map(tmp_path / "l.tif", labels, class_names=["water", "soil", "tree"], palette=COLOURS, nodata=255)
    names = ["roof", "soil", "tree", "water"]  # another order, and a class without a label
    truth = read_truth(tmp_path / "l.tif", info(1, 4), names)
    assert [names[index] if index < 4 else None for index in truth[0]] == ["water", "soil", "tree", None]
    assert read_truth(tmp_path / "l.tif", info(1, 4), names[1:], [1, 2, 0]).tolist() == [[2, 0, 1, 255]]
    with pytest.raises(DataError, match=r"says that id 1 is 'soil', .* take it for 'tree'"):
        read_truth(tmp_path / "l.tif", info(1, 4), names[1:], [2, 1, 0])


def test_a_name_that_the_map_lacks_is_refused(tmp_path):
    write_class_map(tmp_path / "l.tif", np.zeros((1, 1), np.uint8), class_names=["snow"], palette=COLOURS[:1])
    with pytest.raises(DataError, match=r"names class 'snow', the map soil, water; --label-ids"):
        read_truth(tmp_path / "l.tif", info(1, 1), ["soil", "water"])


def test_ids_without_names_count_from_one_and_zero_is_no_label(tmp_path):
    np.save(tmp_path / "l.npy", np.array([[0, 1, 2]]))
    assert read_truth(tmp_path / "l.npy", info(1, 3), ["soil", "water"]).tolist() == [[255, 0, 1]]


def test_no_data_is_white_in_false_colour_and_dark_water_is_not(tmp_path):
    data = np.random.default_rng(0).uniform(500, 3000, (6, 6, 3)).astype(np.float32)
    data[0], data[1, 0] = 0, -1  # water, and a pixel without data
    write_cube(tmp_path / "cube.tif", HSICube(data, nodata=-1))
    with open_cube(tmp_path / "cube.tif") as reader:
        shown = mapped_scene(reader, ClassMap(np.zeros((6, 6), np.uint8), ["a"], COLOURS[:1])).picture
    assert shown[1, 0].tolist() == [255, 255, 255]
    assert shown[0].max() < 30
