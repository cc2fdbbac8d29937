"""Losses, head and models of values."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from scipy.stats import norm
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import ExtraTreesRegressor
from torch.nn import functional

from mmhsi.errors import ConfigError
from mmhsi.models import (
    PLS,
    AbsoluteErrorLoss,
    AbundanceHead,
    ClassicalRegressor,
    ExtraTreesValues,
    GaussianNLLLoss,
    HuberLoss,
    PixelRegressor,
    RegressionHead,
    Ridge,
    SquaredErrorLoss,
)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (AbsoluteErrorLoss(), functional.l1_loss),
        (SquaredErrorLoss(), functional.mse_loss),
        (HuberLoss(0.7), lambda x, y: functional.huber_loss(x, y, delta=0.7)),
    ],
)
def test_losses_are_torchs_of_the_known_values(loss, expected):
    outputs, truth = torch.randn(6, 3, requires_grad=True), torch.randn(6, 3)
    truth[2, 1] = truth[4] = torch.nan
    known = truth.isfinite()
    value = loss(outputs, truth)
    torch.testing.assert_close(value, expected(outputs[known], truth[known]))
    value.backward()
    assert outputs.grad.isfinite().all()
    assert (outputs.grad[~known] == 0).all()
    assert loss(outputs, torch.full_like(truth, torch.nan)) == 0


def test_gaussian_loss_is_the_density_of_scipy():
    outputs, truth = torch.randn(5, 4), torch.randn(5, 2)
    std = (outputs[:, 2:].exp() + 1e-4).sqrt()
    expected = -norm.logpdf(truth, outputs[:, :2], std).mean()
    assert GaussianNLLLoss()(outputs, truth).item() == pytest.approx(expected, rel=1e-5)


def head(**options):
    return RegressionHead(4, 2, target_mean=[10, -3], target_std=[2, 0.5], **options)


def test_head_learns_scaled_values_and_gives_them_in_their_units():
    made, features = head(loss=dict(type="SquaredErrorLoss")), (torch.randn(3, 4),)
    samples = [DataSample(gt_value=torch.tensor([12.0, -2.5])) for _ in range(3)]
    scaled = made(features)
    torch.testing.assert_close(made.loss(features, samples)["loss"], ((scaled - 1) ** 2).mean())
    torch.testing.assert_close(made.values(scaled), scaled * torch.tensor([2, 0.5]) + torch.tensor([10.0, -3]))
    normal = head(loss=dict(type="GaussianNLLLoss", floor=0.01))
    values = normal.values(torch.zeros(1, 4))
    torch.testing.assert_close(values, torch.tensor([[10, -3, 2 * 1.01**0.5, 0.5 * 1.01**0.5]]))


def test_heads_that_cannot_work_are_refused():
    with pytest.raises(ConfigError, match="num_targets"):
        RegressionHead(4)
    with pytest.raises(ConfigError, match="target_std"):
        RegressionHead(4, 2, target_std=[1, 0])
    with pytest.raises(ConfigError, match="no loss of values"):
        RegressionHead(4, 2, loss=dict(type="FocalLoss"))
    with pytest.raises(ConfigError, match="expected a RegressionHead"):
        PixelRegressor(dict(type="CNN2D", in_channels=4)).num_outputs  # noqa: B018


def test_shares_sum_to_one_and_are_learnt_as_they_are():
    made, features = AbundanceHead(4, 3), (torch.randn(5, 4),)
    truth = torch.rand(5, 3)
    truth[0, 1] = torch.nan
    shares = made.values(made(features))
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(5))
    expected = (shares - truth)[truth.isfinite()].abs().mean()
    samples = [DataSample(gt_value=value) for value in truth]
    torch.testing.assert_close(made.loss(features, samples)["loss"], expected)
    torch.testing.assert_close(made.loss_of(features[0], truth), expected)  # of the pixels of tiles
    with pytest.raises(ConfigError, match="one number a target"):
        AbundanceHead(4, 3, loss=dict(type="GaussianNLLLoss"))
    with pytest.raises(ConfigError, match="means are 20, 30, 50, expected shares"):
        AbundanceHead(4, 3, target_mean=[20, 30, 50])


def cnn(tta=True):
    torch.manual_seed(0)
    return PixelRegressor(
        dict(type="CNN2D", in_channels=4),
        dict(type="CenterContext"),
        dict(type="RegressionHead", num_targets=2, target_mean=[10, -3], target_std=[2, 0.5]),
        tta,
    ).eval()


def test_rows_of_an_image_have_the_values_of_its_windows():
    model, image = cnn(), torch.randn(1, 4, 12, 13)
    windows = image.unfold(2, 9, 1).unfold(3, 9, 1)[0].permute(1, 2, 0, 3, 4).flatten(0, 1)
    expected = model.predict_scores(windows)
    torch.testing.assert_close(model.predict_rows(image, (9, 9)).flatten(1).T, expected, rtol=1e-4, atol=1e-4)
    turned = model.predict_scores(windows.rot90(1, (2, 3)))
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-4)
    (sample,) = model.predict(windows[:1], [DataSample()])
    torch.testing.assert_close(sample.pred_value, expected[0])
    assert "pred_std" not in sample


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype(np.float32)
    y = np.stack([x @ [1, 2, 0, 0, -1], x[:, 0] ** 2, x[:, 1] * 3], axis=1) + 0.01 * rng.normal(size=(60, 3))
    y[:10, 2] = np.nan
    return x, y.astype(np.float32)


def test_learners_are_scikit_learns_target_by_target_where_values_are_missing(data):
    x, y = data
    trees, linear = ExtraTreesValues(10), PLS(3)
    trees.learn(x, y, 3, 5)
    linear.learn(x, y, 3, 5)
    expected = ExtraTreesRegressor(10, max_features=1 / 3, random_state=5).fit(x, y[:, :2].astype(float)).predict(x)
    np.testing.assert_allclose(trees.scores(x)[:, :2], expected)
    third = PLSRegression(3).fit(x[10:].astype(float), y[10:, 2:].astype(float)).predict(x.astype(float))
    np.testing.assert_allclose(linear.scores(x)[:, 2], third.ravel(), rtol=1e-6)


@pytest.mark.parametrize("learner", [Ridge(), PLS()])
def test_linear_learners_find_a_line(data, learner):
    x, y = data
    learner.learn(x, y, 3, 0)
    found = learner.scores(x)
    assert np.abs(found[:, 0] - y[:, 0]).max() < 0.1
    assert np.abs(found[10:, 2] - y[10:, 2]).max() < 0.1
    with pytest.raises(ConfigError, match="expected 3"):
        learner.learn(x[:2], y[:2], 3, 0)


def test_classical_regressor_keeps_its_samples_with_its_weights(data):
    x, y = data
    first = ClassicalRegressor(dict(type="ExtraTreesValues", trees=5), 3)
    first.keep_values(torch.from_numpy(x), torch.from_numpy(y))
    assert all(value.isfinite().all() for value in first.state_dict().values())
    np.testing.assert_array_equal(first.learnable(), y)
    second = ClassicalRegressor(dict(type="ExtraTreesValues", trees=5), 3)
    second.load_state_dict(first.state_dict())
    windows = torch.randn(7, 5, 3, 3)
    assert torch.equal(first.predict_scores(windows), second.predict_scores(windows))
    assert first.seen_window((3, 3)) == (1, 1)
    with pytest.raises(ConfigError, match="no classical regressor"):
        ClassicalRegressor(dict(type="ExtraTrees"), 3)
    other = ClassicalRegressor(dict(type="Ridge"), 2)
    other.load_state_dict(first.state_dict())
    with pytest.raises(ConfigError, match="damaged"):
        other.predict_scores(windows)
