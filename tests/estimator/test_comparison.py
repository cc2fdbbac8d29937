"""Candidates on held-out pixels against scikit-learn by hand."""

import time

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mmhsi.datasets.splits.folds import Folds
from mmhsi.errors import ConfigError
from mmhsi.estimator.candidates import choose_candidates, learner_config
from mmhsi.estimator.comparison import classical_fit, compare, held_out, thin
from mmhsi.estimator.pace import OutOfTimeError, Pace


@pytest.fixture
def table():
    """Samples of three overlapping classes and folds of them."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 150)
    samples = (np.eye(3)[classes] @ rng.normal(size=(3, 6)) * 1.5 + rng.normal(size=(150, 6))).astype(np.float32)
    return samples, classes, Folds(np.arange(150) % 5, np.arange(150), "by hand")


def classical(config, samples, classes, folds):
    """Held-out predictions of a classical classifier."""
    return held_out(classical_fit(config, samples, classes, 3, 0), classes, 3, folds, seed=0)


def test_held_out_predictions_are_those_of_scikit_learn(table):
    samples, classes, folds = table
    found = classical(dict(type="LDA"), samples, classes, folds)
    for fold in range(5):
        train = folds.fold != fold
        by_hand = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(samples[train], classes[train])
        assert found[~train].argmax(axis=1).tolist() == by_hand.predict(samples[~train]).tolist()


def test_a_class_that_only_the_fold_has_is_never_right(table):
    samples, classes, folds = table
    odd = Folds(np.where(classes == 2, 0, 1 + np.arange(150) % 4), folds.group, "one class in one fold")
    found = classical(dict(type="LDA"), samples, classes, odd)
    assert (found[classes == 2, 2] == 0).all()


def test_time_ends_the_trying_and_the_first_is_always_tried(table):
    samples, classes, folds = table
    told = []
    fits = {name: classical_fit(dict(type=name), samples, classes, 3, 0) for name in ("LDA", "SVM")}
    tried = compare(fits, classes, 3, folds, 0, 0.0, lambda name, one: told.append((name, one is None)))
    assert [one.name for one in tried] == ["LDA"]
    assert told == [("LDA", False), ("SVM", True)]
    assert tried[0].accuracy == (tried[0].probabilities.argmax(axis=1) == classes).mean()


def test_a_first_fold_tells_what_all_will_take(table):
    _, classes, folds = table
    asked = []

    def slow(train, held, pace):
        asked.append(held)
        time.sleep(0.2)
        return np.full((len(held), 3), 1 / 3)

    assert held_out(slow, classes, 3, folds, 0, seconds=0.5) is None
    assert len(asked) == 1
    assert held_out(slow, classes, 3, folds, 0, seconds=60) is not None


def test_names_are_forgiving_and_checked():
    assert [one.name for one in choose_candidates("Extra trees")] == ["extra trees"]
    assert [one.name for one in choose_candidates(["svm-on-spectra", "HSIViT-tiny"])] == [
        "SVM on spectra",
        "HSIViT tiny",
    ]
    assert len({one.name for one in choose_candidates("auto")}) == 10
    with pytest.raises(ConfigError, match="'xgboost' is unknown; expected one of auto, lda, extra-trees"):
        choose_candidates(["svm", "xgboost"])


def test_many_pixels_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr("mmhsi.estimator.comparison.MOST_SAMPLES", 100)
    classes = np.repeat([0, 1, 2], [500, 20, 80])
    kept = thin(np.arange(600), classes, seed=0)
    assert np.bincount(classes[kept]).tolist() == [40, 20, 40]
    assert (np.diff(kept) > 0).all()


def test_some_see_the_spectra_alone(table):
    samples, classes, folds = table
    spectra, whole = choose_candidates(["lda-on-spectra", "lda"])
    seen = classical(learner_config(spectra, 2, second=False), samples, classes, folds)
    assert (seen == classical(dict(type="LDA"), samples[:, :2], classes, folds)).all()
    beside = classical(learner_config(whole, 2, second=True), samples, classes, folds)
    assert (beside == classical(dict(type="LDA"), samples[:, 2:], classes, folds)).all()
    with pytest.raises(ConfigError, match="samples have 6 columns, none from 9 on"):
        classical(learner_config(whole, 9, second=True), samples, classes, folds)


@pytest.mark.parametrize("kind", ["ExtraTrees", "RandomForest", "MLP"])
def test_a_fit_ends_before_it_is_done_where_it_would_be_late(table, kind):
    """The clock is one that says an hour has passed since the beginning."""
    samples, classes, _ = table
    asked = []

    class Late(Pace):
        def __call__(self, share):
            asked.append(share)
            super().__call__(share)

    pace = Late(seconds=60, parts=5)
    pace.begin -= 3600
    with pytest.raises(OutOfTimeError, match="would take about"):
        classical_fit(dict(type=kind), samples, classes, 3, 0)(np.arange(100), np.arange(100, 150), pace)
    assert len(asked) == 1
    assert asked[0] < 0.2


def test_an_svm_is_foretold_by_a_part_of_the_samples(table, monkeypatch):
    samples, classes, _ = table
    monkeypatch.setattr("mmhsi.models.classical.svm.MANY", 50)
    shares = []
    learner = classical_fit(dict(type="SVM"), samples, classes, 3, 0)
    told = learner(np.arange(100), np.arange(100, 150), shares.append)
    assert shares == [pytest.approx(1 / 17)]
    monkeypatch.undo()
    assert (told == learner(np.arange(100), np.arange(100, 150), shares.append)).all()


def test_the_end_is_foretold_from_the_parts_that_are_done():
    pace = Pace(seconds=100, parts=4)
    pace.begin -= 5
    pace(0.01)  # too early to tell: something may have been imported
    pace.begin -= 15
    pace(0.9)  # 20 s for 0.9 of 4 parts: 89 s
    pace.part_is_done()
    pace.begin -= 10
    pace(0.25)  # 30 s for 1.25 of 4: 96 s
    with pytest.raises(OutOfTimeError, match="about 100 s"):
        pace(0.195)
