"""Finer label maps on the cube's grid."""

import numpy as np
import pytest
import rasterio

from mmhsi.datasets import IGNORE_INDEX, LabelTable, majority_labels
from mmhsi.datasets.label_grid import grid_classes
from mmhsi.errors import ConfigError, DataError, DataWarning
from mmhsi.io import ClassMapWriter, open_label_map
from mmhsi.io.placement import Grid


@pytest.mark.parametrize(("scale", "majority"), [(2, None), (3, 5), (4, 9), (4, 3)])
def test_equals_a_loop_over_blocks(scale, majority):
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, IGNORE_INDEX], (6 * scale, 7 * scale), p=[0.4, 0.3, 0.1, 0.2])
    needed = majority or scale**2 // 2 + 1
    expected = np.full((6, 7), IGNORE_INDEX)
    for row in range(6):
        for column in range(7):
            block = labels[row * scale : (row + 1) * scale, column * scale : (column + 1) * scale]
            ids, counts = np.unique(block, return_counts=True)
            leaders = ids[counts == counts.max()]
            if len(leaders) == 1 and counts.max() >= needed:
                expected[row, column] = leaders[0]
    assert majority_labels(labels, scale, majority).tolist() == expected.tolist()
    assert (expected != IGNORE_INDEX).any()
    assert (expected == IGNORE_INDEX).any()


def test_what_cannot_be_brought_to_the_grid():
    with pytest.raises(ConfigError, match="5 x 4 pixels does not divide"):
        majority_labels(np.zeros((5, 4), dtype=np.int64), 2)
    with pytest.raises(ConfigError, match="label_majority=17"):
        majority_labels(np.zeros((4, 4), dtype=np.int64), 4, 17)


@pytest.mark.parametrize("how", ["tag", "categories", "tag without ids"])
def test_what_a_file_says_of_its_ids_is_compared(tmp_path, how):
    path, labels = tmp_path / "labels.tif", np.array([[0, 1], [2, 2]], np.uint8)
    options = dict(class_names=["water", "soil"], palette=[(0, 0, 255), (99, 66, 0)], class_ids=[1, 2], nodata=0)
    with ClassMapWriter(path, (2, 2), **options) as writer:
        writer.write_rows(0, labels)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        if how != "tag":
            file.update_tags(class_ids="null")
        if how == "categories":
            file.update_tags(class_names="[]")
    with open_label_map(path) as reader:
        grid = Grid.of(reader.info)
        assert grid_classes(reader, grid, LabelTable([1, 2], ["water", "soil"])).tolist() == [[255, 0], [1, 1]]
        with pytest.raises(DataError, match="says that id 1 is 'water'"):
            grid_classes(reader, grid, LabelTable([1, 2], ["soil", "water"]))
        with pytest.warns(DataWarning, match="names class 2 'soil', here it is 'sand'"):
            grid_classes(reader, grid, LabelTable([1, 2], ["water", "sand"]))
