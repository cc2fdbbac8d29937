"""The finer source within a pixel, against a slow loop."""

from __future__ import annotations

import numpy as np

from mmhsi.datasets.channels import Basis, FinerMeans


def test_means_and_spreads_by_a_slow_loop():
    rng = np.random.default_rng(0)
    image, second = rng.normal(size=(4, 5, 3)).astype(np.float32), rng.normal(7, 2, (12, 15, 2)).astype(np.float32)
    valid = np.ones((4, 5), bool)
    views = Basis.fit([(image, valid, second, 3)], 2, 2).views(image, valid, second, 3, None)
    made = FinerMeans()(views)
    scaled = (second - second.mean((0, 1))) / second.std((0, 1))
    for row in range(4):
        for column in range(5):
            block = scaled[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].reshape(9, 2)
            np.testing.assert_allclose(made[row, column], [*block.mean(0), *block.std(0)], atol=1e-5)
    assert made.shape == (4, 5, 4)
    assert FinerMeans().reach(3) == 0
