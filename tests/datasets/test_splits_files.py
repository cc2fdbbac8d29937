"""Splits that come from files: index files, maps, lists of pairs."""

import numpy as np
import pytest
import scipy.io
from cube_files import write_mat5, write_mat73

from mmhsi.datasets import IGNORE_INDEX
from mmhsi.datasets.splits import FewShotSplit, FileSplit, MapSplit, PairSplit, Split, save_split
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import write_class_map
from mmhsi.registry import SPLITS


@pytest.fixture
def labels():
    """Rows of three classes, the last column unlabelled."""
    ids = np.repeat(np.arange(3), 4)[:, None] * np.ones(10, dtype=np.int64)
    ids[:, -1] = IGNORE_INDEX
    return ids


@pytest.fixture
def maps(labels):
    """A training mask in columns 0 to 1, a test map of label ids in columns 4 to 8."""
    train, test = np.zeros((2, *labels.shape), dtype=np.uint8)
    train[:, :2] = 1
    test[:, 4:9] = labels[:, 4:9] + 1
    return train, test


def flat(mask):
    return np.flatnonzero(mask.ravel()).tolist()


def test_a_saved_split_reads_back(tmp_path, labels):
    split = FewShotSplit(3, seed=2)(labels, "abc")
    path = save_split(tmp_path / "new/houston_seed2.npz", split)
    again = FileSplit(str(tmp_path / "new/houston_seed{seed}.npz"), seed=2)(labels, "abc")
    assert again.train.tolist() == split.train.tolist()
    assert again.test.tolist() == split.test.tolist()
    assert again.protocol == split.protocol
    assert [entry.name for entry in path.parent.iterdir()] == ["houston_seed2.npz"]


def test_a_failed_save_leaves_the_old_file(tmp_path, labels, monkeypatch):
    split = FewShotSplit(3)(labels, "abc")
    path = tmp_path / "s.npz"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(DataError, match=r"s\.npz: cannot write: disk full"):
        save_split(path, split)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("s.npz", b"old")]


def test_save_wants_npz(tmp_path):
    with pytest.raises(ConfigError, match=r"s\.csv: .* name the file \.npz"):
        save_split(tmp_path / "s.csv", Split(np.arange(2), np.arange(2, 4), ""))


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([0, 1.5], [3], "train holds float64, not whole numbers"),
        ([[0, 40], [1, 41]], [3], r"train has shape \(2, 2\), expected one flat index a pixel"),
        ([-1, 0], [3], "train index -1 lies outside"),
        ([0, 40, 10**9], [3], "train index 1000000000 lies outside"),
        ([0, 40, 80], [80, 3], "1 pixel both trains and tests"),
        ([0, 40, 80, 0], [3], "1 train pixels occur more than once, the first at row 0, column 0"),
        ([0, 40, 80], [23, 24, 24, 23], "2 test pixels occur more than once, the first at row 2, column 3"),
    ],
)
def test_index_files_that_are_wrong(tmp_path, labels, train, test, message):
    np.savez(tmp_path / "s.npz", train=train, test=test)
    with pytest.raises(DataError, match=message):
        FileSplit(str(tmp_path / "s.npz"))(labels, "abc")


def test_maps_mark_by_not_being_zero(tmp_path, labels, maps):
    scipy.io.savemat(tmp_path / "TRLabel3.mat", {"train": maps[0], "other": maps[1]})
    write_class_map(tmp_path / "test3.tif", maps[1], class_names=list("0123"), palette=[(0, 0, 0)] * 4)
    rule = dict(type="MapSplit", train=f"{tmp_path}/TRLabel{{seed}}.mat", test=f"{tmp_path}/test{{seed}}.tif")
    split = SPLITS.build(rule | dict(train_key="train", seed=3))(labels, "abc")
    assert split.train.tolist() == flat(maps[0])
    assert split.test.tolist() == flat(maps[1])
    assert split.protocol == "fixed maps, train TRLabel3.mat:train, test test3.tif"


def test_both_maps_in_one_file(tmp_path, labels, maps):
    path = str(tmp_path / "s.mat")
    scipy.io.savemat(path, {"tr": maps[0], "te": maps[1]})
    split = MapSplit(path, path, "tr", "te")(labels, "abc")
    assert (split.train.tolist(), split.test.tolist()) == (flat(maps[0]), flat(maps[1]))


def overlap(train, test):
    test[3, 1] = 1


def unlabelled(train, test):
    test[5, 9] = 1


def unmarked(train, test):
    test[:] = 0


def untrained(train, test):
    train[4:8] = 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (overlap, "1 pixel both trains and tests, such as index 31"),
        (unlabelled, "1 test pixels have no label, the first at row 5, column 9"),
        (unmarked, r"test\.npy: the split map is 0 everywhere"),
        (untrained, r"class 1 \(b\) has no training pixel"),
    ],
)
def test_maps_that_cannot_be_used(tmp_path, labels, maps, spoil, message):
    spoil(*maps)
    np.save(tmp_path / "train.npy", maps[0])
    np.save(tmp_path / "test.npy", maps[1])
    with pytest.raises(DataError, match=message):
        MapSplit(str(tmp_path / "train.npy"), str(tmp_path / "test.npy"))(labels, "abc")


def test_maps_of_another_size_and_missing_maps(tmp_path, labels, maps):
    np.save(tmp_path / "train.npy", maps[0][:-1])
    rule = MapSplit(str(tmp_path / "train.npy"), str(tmp_path / "none.npy"))
    with pytest.raises(DataError, match=r"train\.npy: split map of 11 x 10 pixels, but the scene has 12 x 10"):
        rule(labels, "abc")
    np.save(tmp_path / "train.npy", maps[0])
    with pytest.raises(DataError, match=r"none\.npy: no such file"):
        rule(labels, "abc")


def write_pairs(path, train, test, version):
    write = write_mat5 if version == 5 else write_mat73
    write(path, houston_train=np.asarray(train, dtype=float), houston_test=np.asarray(test, dtype=float))


@pytest.mark.parametrize("version", [5, 7.3])
def test_pairs_are_rows_and_columns_from_0(tmp_path, labels, maps, version):
    train, test = np.argwhere(maps[0]), np.argwhere(maps[1])
    path = tmp_path / "houston_index.mat"
    write_pairs(path, train[::-1].astype(np.int32), test, version)
    split = PairSplit(str(path), "houston_train", "houston_test")(labels, "abc")
    assert split.train.tolist() == flat(maps[0])
    assert split.test.tolist() == flat(maps[1])
    assert split.protocol == "fixed pixels of houston_index.mat, train houston_train, test houston_test"


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([[0, 0], [4, 0], [8, 0], [12, 1]], "houston_train names row 12, column 1, outside the scene of 12 x 10"),
        ([[0, 0], [4, 0], [8, 10]], "names row 8, column 10, outside .* count from 0"),
        ([[0, 0], [4, 0], [8, -1]], "names row 8, column -1, outside"),
        ([[0, 0], [4, 0], [8, 0], [4, 0]], "1 train pixels occur more than once, the first at row 4, column 0"),
        ([[0, 0, 1], [4, 0, 1]], "houston_train is 2 x 3, expected N x 2: row and column"),
        ([[0, 0], [4, 0], [8, 4]], "1 pixel both trains and tests"),
        ([[0, 0], [4, 0], [8, 9]], "1 train pixels have no label"),
    ],
)
def test_pairs_that_cannot_be_used(tmp_path, labels, maps, train, message):
    path = tmp_path / "i.mat"
    write_pairs(path, train, np.argwhere(maps[1]), 5)
    with pytest.raises(DataError, match=message):
        SPLITS.build(dict(type="PairSplit", path=str(path), train_key="houston_train", test_key="houston_test"))(
            labels, "abc"
        )


def test_pairs_under_another_name(tmp_path, labels, maps):
    write_pairs(tmp_path / "i.mat", np.argwhere(maps[0]), np.argwhere(maps[1]), 5)
    with pytest.raises(DataError, match=r"no variable 'berlin_train'; the file holds .*houston_train"):
        PairSplit(str(tmp_path / "i.mat"), "berlin_train", "berlin_test")(labels, "abc")
