"""Classical learners against scikit-learn and formulas, and models that keep their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.svm import SVC

from mmhsi.errors import ConfigError, DataError
from mmhsi.models import LDA, MLP, SVM, ClassicalClassifier, ExtraTrees, MeanOfLearners, RandomForest
from mmhsi.models.weights import load_weights

if TYPE_CHECKING:
    from mmhsi.models.classical import Learner


LEARNERS = {
    "lda": lambda: LDA(),
    "svm": lambda: SVM(),
    "trees": lambda: ExtraTrees(20),
    "forest": lambda: RandomForest(20),
    "mlp": lambda: MLP(networks=2, steps=60),
    "mean": lambda: MeanOfLearners([dict(type="LDA"), dict(type="ExtraTrees", trees=10)]),
}


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Classes 0, 1 and 3 of 4."""
    rng = np.random.default_rng(0)
    centres = 1.5 * rng.normal(size=(4, 6))
    labels = rng.choice([0, 1, 3], 120)
    samples = (centres[labels] + rng.normal(size=(120, 6))).astype(np.float32)
    return samples[:60], labels[:60], samples[60:], labels[60:]


def learnt(learner: Learner, data: tuple, seed: int = 0) -> Learner:
    learner.learn(data[0], data[1], 4, seed)
    return learner


@pytest.mark.parametrize("name", LEARNERS)
def test_probabilities_of_all_classes(name, data):
    made = learnt(LEARNERS[name](), data).probabilities(data[2])
    assert made.shape == (60, 4)
    np.testing.assert_allclose(made.sum(axis=1), 1, atol=1e-6)
    assert name == "mlp" or not made[:, 2].any()
    assert (made.argmax(axis=1) == data[3]).mean() > 0.8


@pytest.mark.parametrize("name", LEARNERS)
def test_learning_again_gives_the_same(name, data):
    one, again = (learnt(LEARNERS[name](), data, seed=3).probabilities(data[2]) for _ in range(2))
    assert np.array_equal(one, again)


def test_lda_by_its_formula(data):
    x, y, asked, _ = data
    classes = np.unique(y)
    means = np.stack([x[y == k].mean(axis=0) for k in classes])
    share = np.array([(y == k).mean() for k in classes])
    scaled = []
    for k in classes:  # scikit-learn shrinks each class's covariance on standardised features, then averages
        part = x[y == k].astype(np.float64)
        std = part.std(axis=0)
        scaled.append(std[:, None] * ledoit_wolf((part - part.mean(axis=0)) / std)[0] * std)
    inverse = np.linalg.inv(sum(w * c for w, c in zip(share, scaled, strict=True)))
    scores = asked @ inverse @ means.T - 0.5 * np.einsum("kf,fg,kg->k", means, inverse, means) + np.log(share)
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(learnt(LDA(), data).probabilities(asked)[:, classes], expected, atol=1e-4)


def test_svm_and_trees_give_scikit_learns_labels(data):
    x, y, asked, _ = data
    machine = SVC(C=30, gamma=0.3 / 6).fit(x, y)
    assert np.array_equal(learnt(SVM(), data).probabilities(asked).argmax(axis=1), machine.predict(asked))
    forest = ExtraTreesClassifier(120, random_state=0).fit(x, y)
    expected = forest.predict_proba(asked)
    assert np.array_equal(learnt(ExtraTrees(120), data).probabilities(asked)[:, [0, 1, 3]], expected)


def test_svm_of_two_classes(data):
    two = data[1] != 3
    part = (data[0][two], data[1][two], data[2])
    machine = SVC(C=30, gamma=0.3 / 6).fit(*part[:2])
    assert np.array_equal(learnt(SVM(), part).probabilities(part[2]).argmax(axis=1), machine.predict(part[2]))


def test_mean_is_the_mean(data):
    both = learnt(MeanOfLearners([dict(type="LDA"), dict(type="SVM")]), data).probabilities(data[2])
    each = [learnt(learner, data).probabilities(data[2]) for learner in (LDA(), SVM())]
    np.testing.assert_allclose(both, (each[0] + each[1]) / 2, atol=1e-12)


def test_mlp_leaves_torchs_generator_alone(data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.inference_mode():  # fitted when scores are first asked for
        learnt(MLP(networks=1, steps=5), data)
    assert torch.equal(torch.rand(3), expected)


def test_mlp_does_not_depend_on_the_number_of_threads(data):
    before, made = torch.get_num_threads(), []
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(150, 232)).astype(np.float32)
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            learner = MLP(networks=1, steps=5)
            learner.learn(samples, np.arange(150) % 3, 3, 0)
            made.append(learner.probabilities(samples))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("learner", "arguments", "message"),
    [
        (MLP, dict(networks=0), "networks=0"),
        (MLP, dict(steps=0), "steps=0"),
        (MLP, dict(blocks=0), "blocks=0"),
        (MLP, dict(width=2.5), r"width=2\.5"),
        (MLP, dict(dropout=1.5), r"dropout=1\.5"),
        (MLP, dict(noise=-1), "noise=-1"),
        (MLP, dict(learning_rate=float("nan")), "learning_rate=nan"),
        (MeanOfLearners, dict(members=[dict(type="LDA")], weights=[float("inf")]), "a weight=inf"),
    ],
)
def test_arguments_that_cannot_work(learner, arguments, message):
    with pytest.raises(ConfigError, match=rf"{learner.__name__}: {message} given, expected"):
        learner(**arguments)


def test_what_cannot_be_learnt(data):
    with pytest.raises(ConfigError, match="1 class, expected 2"):
        LDA().learn(data[0], np.zeros(60, np.int64), 4, 0)
    with pytest.raises(ConfigError, match="trees=0"):
        ExtraTrees(0)
    with pytest.raises(ConfigError, match="penalty=-1"):
        SVM(penalty=-1)
    with pytest.raises(ConfigError, match="at least one"):
        MeanOfLearners([])


def model(learner: dict) -> ClassicalClassifier:
    return ClassicalClassifier(
        backbone=learner,
        num_classes=4,
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=6, mean=[0.5] * 6, std=[2.0] * 6),
    )


def windows(samples: np.ndarray, size: int = 1) -> torch.Tensor:
    x = torch.full((len(samples), size, size, 6), 77.0)
    x[:, size // 2, size // 2] = torch.from_numpy(samples)
    return x


def batch(samples: np.ndarray, labels: np.ndarray, size: int = 1) -> dict:
    x = windows(samples, size)
    return dict(window=x, valid=torch.ones(x.shape[:3], dtype=torch.bool), label=torch.from_numpy(labels))


def test_classifier_keeps_the_centres_and_is_saved_as_tensors(data, tmp_path):
    """In two batches or in one, and after saving and loading: the scores are those of the learner itself."""
    one = model(dict(type="ExtraTrees", trees=20))
    one.train_step(batch(data[0][:25], data[1][:25], 3), None)
    log = one.train_step(batch(data[0][25:], data[1][25:], 3), None)
    assert float(log["samples"]) == 60
    scaled = [((values - 0.5) / 2).astype(np.float32) for values in (data[0], data[2])]
    expected = ExtraTrees(20)
    expected.learn(scaled[0], data[1], 4, int(one.seed))
    asked = torch.from_numpy(scaled[1])[:, :, None, None]
    assert np.allclose(one.predict_scores(asked).numpy(), expected.probabilities(scaled[1]), atol=1e-7)
    torch.save(dict(state_dict=one.state_dict(), meta={}), tmp_path / "model.pth")
    torch.load(tmp_path / "model.pth", weights_only=True)  # nothing but tensors
    other = model(dict(type="ExtraTrees", trees=20))
    other.train_step(batch(data[0][:5], data[1][:5]), None)
    load_weights(other, tmp_path / "model.pth")
    assert torch.equal(other.predict_scores(asked), one.predict_scores(asked))
    assert not list(one.parameters())


def test_classifier_without_samples(data):
    with pytest.raises(ConfigError, match="no training samples"):
        model(dict(type="LDA")).predict_scores(torch.zeros(1, 6, 1, 1))
    with pytest.raises(ConfigError, match="no classical learner"):
        model(dict(type="mmpretrain.ResNet", depth=18))


def test_values_beyond_float32_are_one_line(data):
    one = model(dict(type="LDA"))
    one.keep(torch.from_numpy(data[0]), torch.from_numpy(data[1]))
    with pytest.raises(DataError, match="cannot take the scene's values as it normalises them: Input X contains"):
        one.predict_scores(torch.full((2, 6, 1, 1), float("inf")))


@pytest.mark.parametrize("learner", ["LDA", "MLP"])
def test_values_that_no_number_comes_of_are_one_line(data, learner):
    """Those that scikit-learn does not look at: networks, and LDA of fewer than three samples a class."""
    one = model(dict(type=learner))
    _, first = np.unique(data[1], return_index=True)
    one.keep(torch.from_numpy(data[0][first]), torch.from_numpy(data[1][first]))
    asked = torch.zeros(3, 6, 1, 1)
    assert one.predict_scores(asked).isfinite().all()
    asked[1] = float("inf")
    with pytest.raises(DataError, match=r"as it normalises them: what it makes of 1 pixel of 3 is no number$"):
        one.predict_scores(asked)


@pytest.mark.parametrize(
    "changed",
    [
        dict(classes=torch.full((60,), 4)),
        dict(classes=torch.full((60,), -1)),
        dict(classes=torch.zeros(59, dtype=torch.int64)),
        dict(samples=torch.zeros(60, 5)),
        dict(seed=torch.tensor(-1)),
    ],
    ids=["class 4 of 4", "class -1", "a class too few", "a feature too few", "seed"],
)
def test_samples_of_a_checkpoint_that_do_not_fit(data, changed):
    one = model(dict(type="LDA"))
    one.train_step(batch(data[0], data[1]), None)
    other = model(dict(type="LDA"))
    other.load_state_dict({**one.state_dict(), **changed})
    with pytest.raises(ConfigError, match=r"the model's training samples have .* the checkpoint is damaged"):
        other.predict_scores(torch.zeros(1, 6, 1, 1))


def test_lda_of_two_samples_a_class_takes_the_nearest_mean_whatever_the_units():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3, 200)).astype(np.float32)
    classes = np.repeat(np.arange(3), 2)
    samples = means[classes] + rng.normal(0, 0.8, (6, 200)).astype(np.float32)
    samples[:, 0] = 7  # the samples happen to agree
    learner = LDA()
    learner.learn(samples, classes, 3, 0)
    truth = rng.integers(0, 3, 90)
    asked = means[truth] + rng.normal(0, 0.8, (90, 200)).astype(np.float32)
    spread = np.sqrt(samples.var(axis=0) + samples.var(axis=0).mean() / 1000)
    centres = [samples[classes == index].mean(axis=0) for index in range(3)]
    nearest = [int(np.argmin([np.linalg.norm((one - centre) / spread) for centre in centres])) for one in asked]
    assert learner.probabilities(asked).argmax(axis=1).tolist() == nearest
    assert np.mean(nearest == truth) > 0.95
    noise = rng.normal(0, 100, (96, 5)).astype(np.float32)  # in another unit, and says nothing
    learner.learn(np.hstack([samples, noise[:6]]), classes, 3, 0)
    assert np.mean(learner.probabilities(np.hstack([asked, noise[6:]])).argmax(axis=1) == truth) > 0.95


def test_a_class_without_samples_has_no_pixel_however_far_they_lie():
    rng = np.random.default_rng(0)
    samples = (rng.normal(size=(9, 4)) + 1000).astype(np.float32)
    lda = LDA()
    lda.learn(samples, np.repeat([0, 2, 3], 3), 5, 0)
    weights, biases = lda.linear()
    far = rng.normal(0, 1e6, (500, 4))
    assert set((far @ weights.T + biases).argmax(axis=1)) == {0, 2, 3}
    single = torch.from_numpy(far).float() @ torch.from_numpy(weights).float().T + torch.from_numpy(biases).float()
    assert (single.softmax(1)[:, [1, 4]] == 0).all()


@pytest.mark.parametrize("each", [1, 20])
def test_a_class_far_from_all_others_does_not_round_their_differences_away(each):
    rng = np.random.default_rng(0)
    means = rng.normal(size=(6, 64))
    means[5] += 1e4
    classes, truth = np.repeat(np.arange(6), each), rng.integers(0, 6, 200)
    samples, asked = (means[own] + rng.normal(0, 0.3, (len(own), 64)) for own in (classes, truth))
    lda = LDA()
    lda.learn(samples.astype(np.float32), classes, 7, 0)
    weights, biases = (torch.from_numpy(each).float() for each in lda.linear())
    shares = (torch.from_numpy(asked).float() @ weights.T + biases).softmax(1)
    assert (shares.argmax(1).numpy() == truth).mean() > 0.99
    assert shares.numpy() == pytest.approx(lda.probabilities(asked.astype(np.float32)), abs=1e-3)


def test_a_class_of_one_sample_among_larger_ones_is_no_matter_for_a_warning(recwarn):
    samples = np.random.default_rng(0).normal(size=(11, 4)).astype(np.float32)
    lda = LDA()
    lda.learn(samples, np.repeat([0, 1], [1, 10]), 2, 0)
    assert np.isfinite(lda.probabilities(samples)).all()
    assert not list(recwarn)


@pytest.mark.parametrize("each", [3, 6, 7])
def test_lda_of_classes_without_spread_takes_the_nearest_mean(each):
    """Identical pixels have no covariance to invert."""
    means = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    learner = LDA()
    learner.learn(means.repeat(each, axis=0), np.repeat(np.arange(3), each), 3, 0)
    asked = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    spread = np.sqrt(means.var(axis=0) + means.var(axis=0).mean() / 1000)
    nearest = np.linalg.norm((asked[:, None] - means) / spread, axis=2).argmin(axis=1)
    assert learner.probabilities(asked).argmax(axis=1).tolist() == nearest.tolist()
    assert learner.linear()[0].any()


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 3, 3, 3, 3], [0, 1, 3, 0, 1, 3, 0, 1, 3, 0], [0, 1, 3, 0]])
def test_a_discriminant_analysis_is_a_linear_layer(labels):
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(len(labels), 5)).astype(np.float32)
    lda = learnt(LDA(), (samples, np.array(labels)))
    weights, biases = lda.linear()
    tried = rng.normal(size=(20, 5)).astype(np.float32)
    logits = torch.from_numpy(tried @ weights.T + biases)
    assert logits.softmax(1).numpy() == pytest.approx(lda.probabilities(tried), abs=1e-6)
