"""Label ids to class indices."""

import numpy as np
import pytest

from mmhsi.datasets import IGNORE_INDEX, LabelTable
from mmhsi.errors import ConfigError, DataError


def test_maps_non_contiguous_ids_as_a_loop_over_a_dict_does():
    ids, ignored = [1, 10, 11, 300, -1], [0, 7]
    table = LabelTable(ids, "abcde", ignored)
    labels = np.random.default_rng(0).choice(ids + ignored, size=(9, 11))
    by_hand = {**{label: index for index, label in enumerate(ids)}, **dict.fromkeys(ignored, IGNORE_INDEX)}
    expected = [[by_hand[int(label)] for label in row] for row in labels]
    mapped = table(labels, "gt.tif")
    assert mapped.dtype == np.int64
    assert mapped.tolist() == expected


def test_further_ids_of_a_class_are_its_own():
    table = LabelTable([111, 211], ["town", "field"], same_ids=[(112, 111), (213, 211), (212, 211)])
    assert table(np.asarray([111, 112, 211, 212, 213, 0]), "gt.tif").tolist() == [0, 0, 1, 1, 1, IGNORE_INDEX]
    for same, message in (([(112, 7)], "names 7"), ([(211, 111)], "name 211 twice")):
        with pytest.raises(ConfigError, match=message):
            LabelTable([111, 211], ["town", "field"], same_ids=same)


def test_unknown_id_is_named_with_its_place_and_file():
    labels = np.zeros((4, 5), dtype=np.int64)
    labels[2, 3] = 9
    with pytest.raises(DataError, match=r"gt\.tif: label id 9 \(first at row 2, column 3\)"):
        LabelTable([1, 2], ["a", "b"])(labels, "gt.tif")


@pytest.mark.parametrize(
    ("ids", "classes", "message"),
    [
        ([1, 2], ["a"], "2 entries, classes has 1"),
        ([1, 1], ["a", "b"], "name 1 twice"),
        ([0, 1], ["a", "b"], "name 0 twice"),
        (range(1, 257), [str(i) for i in range(256)], "at most 255"),
    ],
)
def test_refuses_a_table_that_cannot_work(ids, classes, message):
    with pytest.raises(ConfigError, match=message):
        LabelTable(ids, classes)


def test_names_of_a_file_in_another_order_are_refused_and_other_names_said():
    table = LabelTable([1, 2, 3], ["soil", "water", "tree"])
    assert table.check_names({}, "gt.tif") == ""
    assert table.check_names({0: "none", 1: "Soil", 2: "water", 3: "tree", 9: "road"}, "gt.tif") == ""
    said = table.check_names({1: "Boden", 2: "water", 3: "Baum"}, "gt.tif")
    assert said == "names class 1 'Boden', here it is 'soil', and 1 more; the ids count, not the names"
    with pytest.raises(
        DataError, match=r"gt\.tif: says that id 1 is 'water', .* take it for 'soil'; .* \(1: water, 2: soil"
    ):
        table.check_names({1: "water", 2: "soil", 3: "tree"}, "gt.tif")
    with pytest.raises(DataError, match="says that id 1 is 'Water '"):
        table.check_names({1: "Water ", 2: "Soil", 3: "tree"}, "gt.tif")
