"""What an interrupted run left, damaged: it is done anew, not believed."""

import io

import numpy as np
import pytest

from mmhsi import SceneClassifier
from mmhsi.errors import DataError
from mmhsi.estimator.comparison import Tried
from mmhsi.estimator.plan import Plan
from mmhsi.estimator.work_folder import Comparison
from mmhsi.io.json_file import read_state, write_state

CLASSES = np.array([0, 1, 2, 1])


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, key="k", **{"seconds svm": 1.0, **arrays})
    return file.getvalue()


def test_a_comparison_that_is_damaged_is_none(tmp_path):
    kept, scores = Comparison(tmp_path / "comparison.npz", "k"), np.eye(3)[[0, 1, 1, 1]]
    kept.save([Tried("svm", scores, 0.75, 2.0)])
    (found,) = kept.load(["svm"], CLASSES)
    assert (found.name, found.accuracy, found.seconds) == ("svm", 0.75, 2.0)
    whole = kept.path.read_bytes()
    for index in range(0, len(whole), 7):
        for changed in (whole[:index], whole[:index] + bytes([whole[index] ^ 0x10]) + whole[index + 1 :]):
            kept.path.write_bytes(changed)
            for one in kept.load(["svm"], CLASSES):
                np.testing.assert_array_equal(one.probabilities, scores)


@pytest.mark.parametrize(
    "scores",
    [np.ones((4, 2)), np.ones((5, 3)), np.ones(4), np.full((4, 3), np.nan), -np.ones((4, 3)), np.full((4, 3), "a")],
)
def test_a_comparison_that_cannot_be_of_these_samples_is_none(scores, tmp_path):
    (tmp_path / "comparison.npz").write_bytes(archive(svm=scores))
    assert Comparison(tmp_path / "comparison.npz", "k").load(["svm"], CLASSES) == []


def test_decisions_that_were_changed_are_not_followed(tmp_path):
    path = tmp_path / "plan.json"
    Plan(path, {"minutes": 3}, resume=False).keep("left out", ["svm"])
    text = path.read_text()
    assert Plan(path, {"minutes": 3}, resume=True).get("left out") == ["svm"]
    for changed in (text.replace('"svm"', "5"), text[:-9], "[]", "\0"):
        path.write_text(changed)
        plan = Plan(path, {"minutes": 3}, resume=True)
        assert (plan.get("left out"), "begun anew" in plan.begun) == (None, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("inputs", 5),
        ("inputs", ["minutes"]),
        ("seconds a pixel", "fast"),
        ("seconds a pixel", -1.0),
        ("seconds a pixel", True),
        ("left out", 5),
        ("left out", "svm"),
        ("left out", [["svm"]]),
        ("too slow for the map", None),
        ("weighed", "no"),
    ],
)
def test_decisions_of_other_kinds_are_not_followed_whatever_their_checksum_says(tmp_path, name, value):
    path = tmp_path / "plan.json"
    Plan(path, {"minutes": 3}, resume=False)
    kept = {**read_state(path, "decisions"), "left out": ["svm"]}
    write_state(path, kept)
    assert Plan(path, {"minutes": 3}, resume=True).get("left out") == ["svm"]
    write_state(path, {**kept, name: value})
    plan = Plan(path, {"minutes": 3}, resume=True)
    assert (plan.get("left out"), "begun anew" in plan.begun) == (None, True)


def test_decisions_without_what_they_were_made_for_are_not_followed(tmp_path):
    write_state(tmp_path / "plan.json", {"left out": ["svm"]})
    plan = Plan(tmp_path / "plan.json", {"minutes": 3}, resume=True)
    assert (plan.get("left out"), "begun anew" in plan.begun) == (None, True)


@pytest.mark.parametrize("name", ["model.pth", "report.json", "comparison.npz"])
def test_an_input_in_the_folder_is_not_written_over(name, tmp_path):
    labels = tmp_path / name
    labels.write_bytes(b"labels")
    with pytest.raises(DataError, match="is an input, or a part of one, and would be written over"):
        SceneClassifier().fit(np.zeros((4, 4, 6)), str(tmp_path / "." / name), workdir=tmp_path)
    assert labels.read_bytes() == b"labels"
