"""Weights of candidates by what they say of held-out pixels."""

import numpy as np
import pytest

from mmhsi.estimator.comparison import Tried
from mmhsi.estimator.weighing import choose_members, fit_weights, how_weighed, is_settled, standard_error


def scores(classes, right, rng, sharp=3.0):
    """Probabilities that are right for a share of the pixels."""
    chosen = np.where(rng.random(len(classes)) < right, classes, rng.integers(0, 3, len(classes)))
    raised = np.exp(sharp * np.eye(3)[chosen])
    return raised / raised.sum(axis=1, keepdims=True)


def candidates(classes, shares, seed):
    """Candidates that are right for these shares of the pixels."""
    rng = np.random.default_rng(seed)
    return [Tried(name, scores(classes, share, rng), share, 0.0) for name, share in shares.items()]


def test_weights_leave_out_what_harms_and_keep_what_helps():
    classes = np.random.default_rng(0).integers(0, 3, 600)
    tried = candidates(classes, {"extra trees": 0.9, "other": 0.9, "third": 0.9, "noise": 0.0}, 0)
    weights = fit_weights(tried, classes, np.arange(600))
    assert weights.keys() == {"extra trees", "other", "third"}
    assert max(weights.values()) < 0.5 * sum(weights.values())


def test_likelier_is_not_righter():
    """Bolder probabilities of the same classes are a matter of calibration."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 600)
    timid = scores(classes, 0.9, rng, sharp=0.5)
    bold = timid.copy()
    odd = timid.argmax(axis=1) == classes
    bold[odd] = timid[odd] ** 8 / (timid[odd] ** 8).sum(axis=1, keepdims=True)
    tried = [Tried("extra trees", timid, 0.9, 0.0), Tried("bold", bold, 0.9, 0.0)]
    assert fit_weights(tried, classes, np.arange(600)) == {"extra trees": 1}


def test_what_is_best_elsewhere_goes_where_it_is_bad():
    classes = np.random.default_rng(1).integers(0, 3, 600)
    tried = candidates(classes, {"extra trees": 0.1, "other": 0.95}, 1)
    weights = fit_weights(tried, classes, np.arange(600))
    assert weights.get("extra trees", 0) < 0.2 * weights["other"]


def test_few_labels_leave_the_best_elsewhere_alone():
    classes = np.random.default_rng(3).integers(0, 3, 12)
    tried = candidates(classes, {"a": 0.8, "extra trees": 0.8, "c": 0.8}, 3)
    assert fit_weights(tried, classes, np.arange(12)) == {"extra trees": 1}
    others = [one for one in tried if one.name != "extra trees"]
    assert fit_weights(others, classes, np.arange(12)) == dict(a=1, c=1)


def test_the_simplest_leads_where_it_makes_no_error():
    classes = np.random.default_rng(4).integers(0, 3, 60)
    shares = {"LDA": 1.0, "extra trees": 1.0, "other": 1.0}
    tried = candidates(classes, shares, 4)
    assert fit_weights(tried, classes, np.arange(60)) == {"LDA": 1}
    assert fit_weights(tried[::2], classes, np.arange(60)) == {"LDA": 1}  # without the leader
    assert fit_weights(candidates(classes, shares | {"LDA": 0.9}, 4), classes, np.arange(60)) == {"extra trees": 1}


def test_many_pixels_of_few_groups_are_few():
    """Against the standard error of the groups' means, all groups alike large."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 50)
    values = rng.normal(size=20)[groups] + 0.01 * rng.normal(size=1000)
    means = values.reshape(20, 50).mean(axis=1)
    assert standard_error(values, groups) == pytest.approx(means.std(ddof=1) / np.sqrt(20))
    assert standard_error(values, np.arange(1000)) == pytest.approx(values.std(ddof=1) / np.sqrt(1000))


def test_nothing_is_left_to_gain_where_the_errors_are_within_their_uncertainty():
    """Of groups of one pixel, k of G wrong, the share is sqrt(k (G - 1) / (G - k)) standard errors."""
    alone = np.arange(100)
    assert 1.99 < np.sqrt(100 * 3.85 / 96.15) < 2.01  # so 3 of 100 are few and 5 are not
    for count, settled in ((0, True), (1, True), (3, True), (5, False), (50, False)):
        assert is_settled(alone < count, alone) == settled
    assert is_settled(alone < 20, alone // 20)  # twenty of one block are one accident


@pytest.mark.parametrize(("seconds", "kept"), [(90.0, ["fast", "good", "slow"]), (4.0, ["fast", "good"])])
def test_what_is_too_slow_for_the_map_is_left_out(seconds, kept):
    classes = np.arange(12) % 3
    tried = [Tried(name, np.full((12, 3), 1 / 3), 0.3, 1.0) for name in ("fast", "good", "slow")]
    costs = dict(fast=0.1, good=0.2, slow=30.0)
    weights, slow = choose_members(
        tried, lambda some: fit_weights(some, classes, np.arange(12)), lambda one: costs[one.name], seconds
    )
    assert list(weights) == kept
    assert slow == [name for name in costs if name not in kept]


def test_the_report_says_what_the_map_is_by():
    alone, gone = how_weighed(["LDA", "extra trees"], {"extra trees": 1})
    assert alone.startswith("the map is by extra trees; the rule: extra trees, the best on most scenes, stands alone")
    assert gone == "without weight, for the others do as well without them: LDA"
    (both,) = how_weighed(["LDA", "SVM"], {"LDA": 2, "SVM": 1})
    assert both.startswith(
        "the map is by the mean of the class probabilities of LDA (weight 2) and SVM (weight 1); the rule: all have"
    )
