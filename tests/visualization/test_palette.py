import itertools

import numpy as np
import pytest

from mmhsi.errors import ConfigError
from mmhsi.visualization import default_palette


@pytest.mark.parametrize("n", [0, 1, 7, 8, 40, 255, 1000])
def test_n_distinct_colours(n):
    palette = default_palette(n)
    assert len(palette) == len(set(palette)) == n
    assert all(type(value) is int and 0 <= value <= 255 for rgb in palette for value in rgb)


def test_fewer_colours_begin_more():
    assert default_palette(60)[:16] == default_palette(16)
    assert default_palette(60)[:3] == default_palette(3)


def test_twenty_colours_differ_well_from_each_other_and_from_black():
    colours = np.array([*default_palette(20), (0, 0, 0)], dtype=float)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)) > 30


def test_sixteen_colours_differ_for_deuteranopes():
    # Viénot, Brettel and Mollon (1999): in linear light a deuteranope's red and green are one mixture of both,
    # another model than the one that chose the palette.
    linear = (np.array(default_palette(16)) / 255) ** 2.2
    merged = 0.29275 * linear[:, 0] + 0.70725 * linear[:, 1]
    blue = np.clip(-0.02234 * linear[:, 0] + 0.02234 * linear[:, 1] + linear[:, 2], 0, 1)
    seen = 255 * np.stack([merged, blue], axis=1) ** (1 / 2.2)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12


@pytest.mark.parametrize("n", [-1, 5000])
def test_impossible_numbers_are_refused(n):
    with pytest.raises(ConfigError, match=str(n)):
        default_palette(n)
