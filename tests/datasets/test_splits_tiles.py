"""Lists of tiles, cut into parts."""

import random

import pytest

from mmhsi.datasets.splits import split_tiles
from mmhsi.errors import ConfigError, DataError

NAMES = [f"tiles/{index:03d}.tif" for index in range(37)]


@pytest.mark.parametrize(
    ("fractions", "sizes"),
    [((0.8, 0.2), [30, 7]), ((0.7, 0.1, 0.2), [26, 4, 7]), ((1.0,), [37]), ((0.5, 0.5), [18, 19])],
)
def test_every_tile_falls_into_one_part(fractions, sizes):
    parts = split_tiles(NAMES, fractions, seed=0)
    assert [len(part) for part in parts] == sizes
    assert sorted(name for part in parts for name in part) == NAMES
    assert all(part == sorted(part) for part in parts)


def test_the_listing_order_does_not_matter_and_the_seed_does():
    shuffled = random.Random(0).sample(NAMES, len(NAMES))
    assert split_tiles(NAMES, (0.8, 0.2), 5) == split_tiles(shuffled, (0.8, 0.2), 5)
    assert split_tiles(NAMES, (0.8, 0.2), 5) != split_tiles(NAMES, (0.8, 0.2), 6)


def test_parts_are_not_neighbours_in_the_listing():
    (_, test) = split_tiles(NAMES, (0.5, 0.5), 0)
    assert test not in (NAMES[:19], NAMES[18:])


@pytest.mark.parametrize("fractions", [(), (0.5, 0.4), (1.2, -0.2), (0.0, 1.0)])
def test_shares_must_make_a_whole(fractions):
    with pytest.raises(ConfigError, match="split_tiles: fractions"):
        split_tiles(NAMES, fractions, 0)


def test_lists_that_cannot_be_split():
    with pytest.raises(DataError, match=r"b\.tif is listed twice"):
        split_tiles(["b.tif", "a.tif", "b.tif"], (0.5, 0.5), 0)
    with pytest.raises(DataError, match=r"2 tiles cannot fill parts of \(0\.8, 0\.2\)"):
        split_tiles(["a", "b"], (0.8, 0.2), 0)
