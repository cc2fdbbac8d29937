"""Leakage through windows, and splits without it; checked against loops over all pairs and over padded windows."""

import itertools

import numpy as np
import pytest

from mmhsi.datasets import IGNORE_INDEX
from mmhsi.datasets.mirroring import pad_scene
from mmhsi.datasets.splits import DisjointSplit, FewShotSplit, Split, assert_disjoint, leakage, leaking
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

WINDOWS = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 2), (1, 7), (6, 9), (12, 13)]


def shown(pixel, shape, window):
    """Flat indices in a pixel's window, read off a padded scene of indices as training reads its windows."""
    padded = pad_scene(np.arange(shape[0] * shape[1]).reshape(shape), window)
    row, column = divmod(int(pixel), shape[1])
    return set(padded[row : row + window[0], column : column + window[1]].ravel().tolist())


def slow_leaks(split, shape, window, strict):
    """Whether each test pixel leaks, by all pairs."""
    trained = [shown(pixel, shape, window) for pixel in split.train]
    if strict:
        return [any(shown(pixel, shape, window) & seen for seen in trained) for pixel in split.test]
    return [any(int(pixel) in seen for seen in trained) for pixel in split.test]


def random_split(shape, train, test, seed):
    pixels = np.random.default_rng(seed).permutation(shape[0] * shape[1])
    return Split(np.sort(pixels[:train]), np.sort(pixels[train : train + test]), "random")


def patchwork(shape=(40, 44), classes=4, seed=0, unlabelled=0.3):
    """Fields of 5 x 5 pixels, some pixels without a label."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, classes, (shape[0] // 5 + 1, shape[1] // 5 + 1)), np.ones((5, 5), dtype=np.int64))
    labels = labels[: shape[0], : shape[1]]
    labels[rng.random(shape) < unlabelled] = IGNORE_INDEX
    return labels


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("strict", [False, True])
def test_leaks_equal_a_loop_over_all_pairs(window, strict):
    found = 0
    for seed, shape in itertools.product(range(4), [(9, 14), (13, 8)]):
        split = random_split(shape, 3, 60, seed)
        expected = slow_leaks(split, shape, window, strict)
        assert leaking(split, shape, window, strict).tolist() == expected
        if not strict:
            assert leakage(split, shape, window) == pytest.approx(np.mean(expected))
        found += sum(expected)
    assert found > 0 or window == (1, 1)


@pytest.mark.parametrize("window", WINDOWS)
def test_mirrored_borders_show_nothing_that_is_not_counted(window):
    shape = (7, 8)
    for row, column in ((0, 0), (0, 6), (5, 0), (5, 6), (2, 3)):
        train = row * shape[1] + column
        test = np.delete(np.arange(56), train)
        split = Split(np.array([train]), test, "")
        assert set(test[leaking(split, shape, window)].tolist()) == shown(train, shape, window) - {train}


def test_an_even_window_at_the_first_row_shows_one_row_more():
    split = Split(np.array([0]), np.array([2 * 5]), "")  # rows -2 to 1, of which -2 mirrors row 2
    assert leakage(split, (5, 5), 4) == 1
    below = Split(np.array([4 * 5]), np.array([2 * 5]), "")  # rows 2 to 5, as written
    assert leakage(below, (5, 5), 4) == 1
    assert leakage(Split(np.array([2 * 5]), np.array([4 * 5]), ""), (5, 5), 4) == 0  # rows 0 to 3


def test_nothing_tested_nothing_leaks():
    assert leakage(Split(np.array([1]), np.array([], dtype=np.int64), ""), (3, 3), 3) == 0


def test_the_first_offending_pair_is_named():
    split = Split(np.array([3 * 20 + 3, 8 * 20 + 15]), np.array([0, 8 * 20 + 10, 8 * 20 + 13]), "by hand")
    message = (
        r"split \(by hand\) leaks: 1 of 3 test pixels lie in windows of training pixels, window 5 x 5; the first is "
        r"row 8, column 13, by the training pixel at row 8, column 15"
    )
    with pytest.raises(DataError, match=message):
        assert_disjoint(split, (10, 20), 5)
    assert_disjoint(split, (10, 20), 3)
    with pytest.raises(DataError, match=r"3 of 3 .* overlap .* first is row 0, column 0, .* row 3, column 3"):
        assert_disjoint(split, (10, 20), 7, strict=True)
    assert_disjoint(split, (10, 20), (2, 2), strict=True)


@pytest.mark.parametrize("window", [0, (3, -1), (3, 3, 3)])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ConfigError, match="expected a side or"):
        leakage(random_split((5, 5), 2, 2, 0), (5, 5), window)


@pytest.mark.parametrize("window", [1, 5, (4, 6), (3, 9)])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_disjoint_splits_are_disjoint_by_brute_force(window, strict, seed):
    labels = patchwork(seed=seed)
    sides = (window, window) if isinstance(window, int) else window
    split = DisjointSplit(6, window, block=8, seed=seed, strict=strict)(labels, "abcd")
    assert not any(slow_leaks(split, labels.shape, sides, strict))
    assert np.bincount(labels.ravel()[split.train], minlength=4).tolist() == [6] * 4
    assert np.bincount(labels.ravel()[split.test], minlength=4).min() > 0
    assert (labels.ravel()[split.test] != IGNORE_INDEX).all()


def test_test_pixels_are_all_that_other_blocks_hold_outside_the_windows():
    labels = patchwork()
    # All labelled pixels of the training blocks train, so that the blocks can be told from the pixels.
    split = DisjointSplit(10**6, 5, block=8, train_share=0.25, seed=3)(labels, "abcd")
    block = (np.arange(40)[:, None] // 8 * 6 + np.arange(44) // 8).ravel()
    training_blocks = set(block[split.train].tolist())
    seen = set().union(*(shown(pixel, labels.shape, (5, 5)) for pixel in split.train))
    labelled = np.flatnonzero(labels.ravel() != IGNORE_INDEX).tolist()
    assert len(training_blocks) == round(0.25 * 30)
    assert split.train.tolist() == [pixel for pixel in labelled if block[pixel] in training_blocks]
    assert split.test.tolist() == [
        pixel for pixel in labelled if block[pixel] not in training_blocks and pixel not in seen
    ]


def test_the_share_of_blocks_and_the_protocol():
    labels = patchwork(unlabelled=0)
    split = DisjointSplit(50, 3, block=4, train_share=0.3, seed=5)(labels, "abcd")
    assert split.protocol == (
        "spatially disjoint: 33 of 110 blocks of 4 x 4 train, up to 50 pixels a class; guard: test pixels outside "
        f"training windows of 3 x 3; seed 5; 200 training and {len(split.test)} test pixels"
    )
    strict = DisjointSplit(50, 3, block=4, seed=5, strict=True)(labels, "abcd")
    assert "guard: test windows clear of training windows of 3 x 3" in strict.protocol


def test_disjoint_follows_its_seed():
    again = [DisjointSplit(5, 5, block=8, seed=seed)(patchwork(), "abcd") for seed in (3, 3, 4)]
    assert again[0].train.tolist() == again[1].train.tolist() != again[2].train.tolist()
    assert again[0].test.tolist() == again[1].test.tolist()


def test_a_rare_class_adds_its_block():
    labels = np.zeros((40, 40), dtype=np.int64)
    labels[4:6, 4:6] = 1  # in one block of 100
    labels[30:32, 20:28] = 2  # in two
    for seed in range(5):
        split = DisjointSplit(3, 3, block=4, train_share=0.02, seed=seed)(labels, ["field", "hut", "road"])
        assert np.bincount(labels.ravel()[split.train]).tolist() == [3, 3, 3]
        assert set(labels.ravel()[split.test].tolist()) == {0, 2}
        assert split.protocol.endswith("; no test pixel of hut")


def test_unlabelled_classes_and_empty_scenes():
    labels = patchwork(classes=2)
    split = DisjointSplit(5, 3, block=8)(labels, ["a", "b", "never"])
    assert "no test pixel" not in split.protocol
    with pytest.raises(DataError, match="no labelled pixel"):
        DisjointSplit(5, 3)(np.full((9, 9), IGNORE_INDEX), "ab")


def test_a_scene_too_small_for_its_blocks_says_so():
    with pytest.raises(DataError, match="no test pixel remains outside the training windows of 5 x 5"):
        DisjointSplit(5, 5, block=64)(patchwork(), "abcd")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(per_class=0), "per_class=0"),
        (dict(block=0), "block=0"),
        (dict(train_share=1.0), "train_share=1.0"),
        (dict(window=0), "DisjointSplit: window=0"),
    ],
)
def test_disjoint_refuses_what_cannot_work(options, message):
    with pytest.raises(ConfigError, match=message):
        DisjointSplit(**(dict(per_class=5, window=9) | options))


def test_disjoint_is_built_from_a_config():
    split = SPLITS.build(dict(type="DisjointSplit", per_class=4, window=[3, 5], block=8, seed=1))
    assert_disjoint(split(patchwork(), "abcd"), (40, 44), (3, 5))


@pytest.mark.parametrize(("scene", "shape"), [("salinas_a", (83, 86)), ("houston2018_crop", (128, 128))])
def test_shared_disjoint_splits_are_disjoint_up_to_9_and_random_ones_are_not(shared_data, scene, shape):
    def read(name):
        with np.load(shared_data / f"splits/{scene}_{name}.npz") as arrays:
            return Split(arrays["train"], arrays["test"], name)

    for seed in range(3):
        split = read(f"disjoint20_seed{seed}")
        for window in (*range(1, 10), (9, 3), (8, 9)):
            assert_disjoint(split, shape, window)
            assert leakage(split, shape, window) == 0
        assert leakage(split, shape, 11) > 0
    for seed in range(5):
        split = read(f"fewshot20_seed{seed}")
        assert leakage(split, shape, 9) > 0.5
        with pytest.raises(DataError, match="leaks"):
            assert_disjoint(split, shape, 3)


def test_disjoint_on_salinas_a(salinas_a_labels):
    labels = salinas_a_labels
    for strict in (False, True):
        split = DisjointSplit(20, 9, strict=strict)(labels, "abcdef")
        assert np.bincount(labels.ravel()[split.train]).tolist() == [20] * 6
        assert np.bincount(labels.ravel()[split.test]).min() > 0
        assert leakage(split, (83, 86), 9) == 0
    assert leakage(FewShotSplit(20)(labels, "abcdef"), (83, 86), 9) > 0.5
