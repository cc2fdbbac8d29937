"""A classifier of scenes as an ordinary classifier of scikit-learn, on tables of pixels."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mmhsi import SceneClassifier
from mmhsi.errors import ConfigError


@parametrize_with_checks([SceneClassifier(minutes=1, models="lda", folds=2)])
def test_it_keeps_the_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def pixels():
    """Spectra of three overlapping classes, named."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 240)
    table = np.eye(3)[classes] @ rng.normal(size=(3, 8)) * 1.5 + rng.normal(size=(240, 8))
    return table, np.array(["meadow", "soil", "water"])[classes]


def test_a_single_candidate_is_that_of_scikit_learn(pixels):
    table, names = pixels
    found = SceneClassifier(models="lda").fit(table[:160], names[:160])
    by_hand = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    by_hand.fit(table[:160], names[:160])
    assert (found.predict(table[160:]) == by_hand.predict(table[160:])).mean() > 0.98
    assert found.predict_proba(table[160:]).sum(axis=1) == pytest.approx(1)
    assert found.score(table[160:], names[160:]) == (found.predict(table[160:]) == names[160:]).mean()


def test_it_serves_in_pipelines_and_searches(pixels):
    table, names = pixels
    chain = make_pipeline(StandardScaler(), SceneClassifier(minutes=1, models=["lda", "svm"], folds=3))
    assert cross_val_score(chain, table, names, cv=3).mean() > 0.8
    search = GridSearchCV(chain, {"sceneclassifier__models": ["lda", "svm"]}, cv=2).fit(table, names)
    assert search.best_score_ > 0.8
    assert search.predict(table).tolist().count("soil") > 40


def test_the_rounding_of_a_constant_column_is_no_spread(pixels):
    table, names = pixels
    constant = np.column_stack([table, np.full(240, 0.1)])
    model = SceneClassifier(models="svm").fit(constant, names)
    expected = model.predict_proba(constant)
    constant[:, -1] += 1e-4
    np.testing.assert_allclose(model.predict_proba(constant), expected, atol=1e-4)


@pytest.mark.slow
def test_all_candidates_that_see_columns_are_weighed(pixels):
    model = SceneClassifier(minutes=2).fit(*pixels)
    assert set(model.weights_) <= {"extra trees", "LDA", "SVM", "random forest", "MLP"}
    assert model.score(*pixels) > 0.85


def test_tables_and_scenes_are_not_mixed_up(pixels):
    table, names = pixels
    model = SceneClassifier(models="lda").fit(table, names)
    with pytest.raises(ConfigError, match="was fitted to a table of pixels"):
        model.predict(np.zeros((4, 4, 8)))
    with pytest.raises(ConfigError, match="networks see windows of a scene"):
        SceneClassifier(models="cnn2d").fit(table, names)
