"""Finer label maps on the cube's grid."""

import numpy as np
import pytest

from mmhsi.datasets import IGNORE_INDEX, majority_labels
from mmhsi.errors import ConfigError


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
