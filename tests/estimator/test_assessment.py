"""Calibration on held-out pixels that come in groups."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmhsi.datasets.splits.folds import Folds
from mmhsi.estimator.assessment import assess, fill_areas, in_one_place, map_weights, sure_temperature
from mmhsi.estimator.comparison import Tried
from mmhsi.estimator.report import ClassRow, SceneReport, Share
from mmhsi.evaluation import Temperature


def drawn(count, sharpness, seed):
    """Probabilities, and classes that are drawn from them after a power: 1 for those that need no calibration."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), count)
    real = probabilities**sharpness / (probabilities**sharpness).sum(axis=1, keepdims=True)
    return probabilities, (rng.random((count, 1)) < real.cumsum(axis=1)).argmax(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_that_mean_what_they_say_stay(seed):
    probabilities, classes = drawn(400, 1.0, seed)
    assert sure_temperature(probabilities, classes, np.arange(400) // 10).value == 1


def test_probabilities_that_do_not_are_calibrated_as_ever():
    probabilities, classes = drawn(2000, 3.0, 0)
    found = sure_temperature(probabilities, classes, np.arange(2000) // 10)
    assert found == Temperature.fit(probabilities, classes)
    assert found.value == pytest.approx(1 / 3, rel=0.1)


def test_the_accuracy_of_a_class_with_few_pixels_is_drawn_to_that_of_all():
    """Against the sum over classes, each with ten pixels more of the accuracy of all."""
    rng = np.random.default_rng(0)
    predicted, right = np.repeat([0, 1, 2], [4, 40, 16]), rng.random(60) < 0.7
    shares = np.array([0.6, 0.1, 0.2, 0.1])  # no held-out pixel is of the last
    parts = [
        share * (right[predicted == index].sum() + 10 * right.mean()) / ((predicted == index).sum() + 10)
        for index, share in enumerate(shares)
    ]
    weights = map_weights(predicted, shares)
    assert weights.sum() == pytest.approx(1)
    assert (weights * right).sum() == pytest.approx(sum(parts))


def test_a_sample_without_a_confusion_gives_no_interval_of_no_width():
    rows = [ClassRow(name, 15, Share(1.0), Share(1.0)) for name in "abc"]
    known = dict(
        accuracy=Share(1.0), folds="", groups=15, candidates=[], weights={}, calibration=(0.0, 0.0), reliability=[]
    )
    counts = [[12, 3, 0], [1, 14, 0], [0, 0, 15]]
    report = SceneReport(scene="s", classes=rows, confusion=counts, temperature=1.0, sample=True, **known)
    fill_areas(report, SimpleNamespace(classes=np.repeat([0, 1, 2, 255], [50, 30, 20, 7]).astype(np.uint8)))
    areas = report.areas
    assert all(low < value < high for value, low, high in (areas["a"], areas["b"]))
    assert areas["c"][0] == 20
    assert np.isnan(areas["c"][1:]).all()
    assert "no intervals for the areas of c:" in report.warnings[0]
    assert report.area_text("c") == "20"  # pixels, which are whole
    assert report.area_text("a").startswith(f"{areas['a'][0]:.1f} (")
    report.pixel_area = 900.0
    assert report.area_text("c") == "1.8"  # hectares


def test_classes_that_cannot_be_held_out_are_named_once():
    classes, groups = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2])
    (said,) = in_one_place(["a", "b"], classes, groups)
    assert said.startswith("b: all its labels lie in one place")
    (said,) = in_one_place(["a", "b"], classes, np.array([0, 0, 1, 1]))
    assert said.startswith("the labels of every class lie in one place")
    assert in_one_place(["a", "b"], classes, np.arange(4)) == []
    lost = ["a", "b", "lies under a cloud"]
    assert in_one_place(lost, classes, np.arange(4)) == []
    (said,) = in_one_place(lost, classes, np.array([0, 0, 1, 1]))
    assert said.startswith("the labels of every class lie in one place")


def test_pixels_of_a_class_that_was_not_learnt_say_nothing_of_the_calibration():
    """Beside the same pixels without that class, which is held out whole and so always wrong."""
    probabilities, classes = drawn(600, 3.0, 0)
    whole = np.arange(600) // 100
    alone = classes == 3
    folds = Folds(np.where(alone, 5, whole % 5), whole, "")

    def report(kept):
        some = Folds(folds.fold[kept], folds.group[kept], "")
        tried = [Tried("LDA", probabilities[kept], 0.5, 1.0)]
        return assess("s", list("abcd"), classes[kept], some, tried, {"LDA": 1}, np.full(4, 0.25))

    assert report(np.ones(600, bool)).temperature == report(~alone).temperature < 1
    unknown = report(alone)
    assert unknown.temperature == 1
    assert not any("the map tells nothing" in text for text in unknown.warnings)
