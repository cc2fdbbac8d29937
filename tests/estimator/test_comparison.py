"""Candidates on held-out pixels against scikit-learn by hand."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mmhsi.datasets.splits.folds import Folds
from mmhsi.errors import ConfigError
from mmhsi.estimator.candidates import choose_candidates, learner_config
from mmhsi.estimator.comparison import Tried, classical_fit, compare, fit_weights, held_out, thin
from mmhsi.estimator.learning import SceneLearning


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
    fits = {
        name: lambda _, kind=name: classical_fit(dict(type=kind), samples, classes, 3, 0) for name in ("LDA", "SVM")
    }
    tried = compare(fits, classes, 3, folds, 0, 0.0, lambda name, one: told.append((name, one is None)))
    assert [one.name for one in tried] == ["LDA"]
    assert told == [("LDA", False), ("SVM", True)]
    assert tried[0].accuracy == (tried[0].probabilities.argmax(axis=1) == classes).mean()


def test_a_first_fold_tells_what_all_will_take(table):
    _, classes, folds = table
    asked = []

    def slow(train, held):
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
    with pytest.raises(ConfigError, match=r"'xgboost' is unknown.*expected auto or some of lda, lda-on-spectra"):
        choose_candidates(["svm", "xgboost"])


def scores(classes, right, rng, sharp=3.0):
    """Probabilities that are right for a share of the pixels."""
    chosen = np.where(rng.random(len(classes)) < right, classes, rng.integers(0, 3, len(classes)))
    raised = np.exp(sharp * np.eye(3)[chosen])
    return raised / raised.sum(axis=1, keepdims=True)


def test_weights_leave_out_what_harms_and_keep_what_helps():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 600)
    shares = dict(good=0.9, other=0.9, noise=0.0)
    tried = [Tried(name, scores(classes, share, rng), share, 0.0) for name, share in shares.items()]
    weights = fit_weights(tried, classes)
    assert weights.keys() == {"good", "other"}
    assert 0.4 < weights["good"] / (weights["good"] + weights["other"]) < 0.6


def test_few_labels_leave_the_weights_alone():
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 3, 12)
    tried = [Tried(name, scores(classes, 0.8, rng), 0.8, 0.0) for name in ("a", "b", "c")]
    assert fit_weights(tried, classes) == dict(a=1, b=1, c=1)


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


@pytest.mark.parametrize(("left", "kept"), [(40.0, ["fast", "good", "slow"]), (-10.0, ["fast", "good"])])
def test_what_takes_next_to_no_time_stays_in_the_map_when_time_is_up(left, kept):
    classes = np.arange(12) % 3
    tried = [Tried(name, np.full((12, 3), 1 / 3), 0.3, 1.0) for name in ("fast", "good", "slow")]
    seconds = dict(fast=0.001, good=0.002, slow=0.3)
    learning = SimpleNamespace(
        plan=SimpleNamespace(get=lambda name, default: default, keep=lambda *_: None),
        clock=SimpleNamespace(seconds=100.0, left=lambda share: left),
        seconds_a_pixel=0.02,  # of the channels: as much as what is left, and it changes nothing
        say=lambda line: None,
        decisions=[],
        wishes=SimpleNamespace(minutes=2),
    )
    ensemble = SimpleNamespace(seconds_a_pixel=lambda name, mapped: seconds[name])
    samples = SimpleNamespace(source=SimpleNamespace(shape=(10, 10)), classes=classes)
    if left > 0:
        learning.seconds_a_pixel = 0.0
        seconds["slow"] = 0.1
    found = SceneLearning._weigh(learning, ensemble, tried, samples, None)
    assert sorted(found) == kept
