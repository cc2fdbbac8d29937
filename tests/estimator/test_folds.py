"""Folds of labelled pixels: whole groups, all classes learnable, as far from the labels as the map."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from mmhsi.datasets.splits.folds import scene_folds, stratified_folds
from mmhsi.errors import DataError
from mmhsi.estimator.look import surrounded

VALID = np.ones((60, 60), bool)


def clumps(seed, count=12, side=5, classes=3):
    """Labelled pixels in square patches, one class a patch."""
    rng = np.random.default_rng(seed)
    labels = np.full(VALID.shape, 255)
    for index in range(count):
        row, column = rng.integers(0, 60 - side, 2)
        labels[row : row + side, column : column + side] = index % classes
    pixels = np.flatnonzero(labels != 255)
    return pixels, labels.ravel()[pixels]


def nearest(places, others):
    """Distance of each place to the nearest of others, by a loop."""
    return np.array([min(np.hypot(*(place - other)) for other in others) for place in places])


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_every_class_can_be_learnt(seed):
    pixels, classes = clumps(seed)
    folds = scene_folds(pixels, classes, VALID, seed=seed)
    for group in np.unique(folds.group):
        assert len(np.unique(folds.fold[folds.group == group])) == 1
    seen = np.zeros(len(pixels), int)
    for train, held in folds:
        assert not (train & held).any()
        assert set(classes[train]) == set(classes)
        seen += held
    assert (seen == 1).all()


def test_held_out_pixels_are_as_far_as_the_map():
    pixels, classes = clumps(1, count=30)
    places = np.stack(np.divmod(pixels, 60), axis=1)
    everywhere = np.stack(np.divmod(np.setdiff1d(np.arange(3600), pixels), 60), axis=1)
    wanted = nearest(everywhere[::7], places)
    found = scene_folds(pixels, classes, VALID)
    single = stratified_folds(classes)
    assert single is not None

    def gap(folds):
        held = np.concatenate([nearest(places[held], places[train]) for train, held in folds])
        return wasserstein_distance(held, wanted)

    assert gap(found) < 0.5 * gap(single)


def test_scattered_labels_need_no_large_blocks():
    rng = np.random.default_rng(0)
    pixels = np.sort(rng.choice(3600, 400, replace=False))
    folds = scene_folds(pixels, rng.integers(0, 2, 400), VALID)
    assert int(folds.rule.split(" x ")[1].split()[0]) <= 4


def test_polygons_are_never_cut():
    pixels, classes = clumps(2)
    polygons = np.arange(len(pixels)) // 10
    folds = scene_folds(pixels, classes, VALID, polygons=polygons)
    assert "polygons" in folds.rule
    for polygon in np.unique(polygons):
        assert len(np.unique(folds.group[polygons == polygon])) == 1
    for group in np.unique(folds.group):
        assert len(np.unique(folds.fold[folds.group == group])) == 1
    with pytest.raises(DataError, match="one group"):
        scene_folds(pixels, classes, VALID, polygons=np.zeros(len(pixels), int))


def test_polygons_whose_middles_share_a_block_are_held_out_together():
    polygons = np.zeros(VALID.shape, int)
    for index, (row, column) in enumerate(np.ndindex(4, 4)):  # in one corner, far from what is mapped
        polygons[row * 6 : row * 6 + 3, column * 6 : column * 6 + 3] = index + 1
    pixels = np.flatnonzero(polygons)
    numbers = polygons.ravel()[pixels]
    folds = scene_folds(pixels, numbers % 2, VALID, count=2, polygons=numbers)
    assert 2 <= len(np.unique(folds.group)) < 16


def test_polygons_of_a_mosaic_are_surrounded_and_fields_are_not():
    rows, columns = np.indices((60, 60))
    mosaic = rows // 4 * 15 + columns // 4 + 1
    assert surrounded(mosaic).tolist() == list(range(1, 226))
    fields = np.where((rows % 10 < 6) & (columns % 10 < 6), rows // 10 * 6 + columns // 10 + 1, 0)
    assert not len(surrounded(fields))
    fields[:6, 6:10] = 99  # between two of them: two long sides touch, two short ones are open
    assert surrounded(fields).tolist() == [99]


def test_a_class_in_one_place_is_held_out_in_parts():
    pixels = np.concatenate([np.arange(0, 10), np.arange(1800, 1810), np.arange(3000, 3010)])
    classes = np.repeat([0, 1, 1], 10)
    for train, _ in scene_folds(pixels, classes, VALID, count=3):
        assert set(classes[train]) == {0, 1}


def test_nothing_is_learnt_of_a_place_that_is_held_out():
    """The rectangles of two groups never overlap, whatever rare class lies in them."""
    labels = np.zeros((60, 60), int)
    labels[18:22, 18:22] = 1
    pixels = np.flatnonzero((np.arange(3600) % 60 < 32) & (np.arange(3600) < 32 * 60))  # much of the map lies far away
    folds = scene_folds(pixels, labels.ravel()[pixels], VALID)
    places = np.stack(np.divmod(pixels, 60), axis=1)
    boxes = [(own.min(axis=0), own.max(axis=0)) for g in np.unique(folds.group) for own in [places[folds.group == g]]]
    for index, (low, high) in enumerate(boxes):
        assert not any((low <= b).all() and (a <= high).all() for a, b in boxes[:index])
