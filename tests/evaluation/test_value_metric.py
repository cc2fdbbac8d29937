"""Errors of values against scikit-learn, and their intervals against a loop."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from mmhsi.errors import ConfigError
from mmhsi.evaluation import ValueMetric, value_errors
from mmhsi.spec import InputSpec

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(1000, 3, 200)
PREDICTED = TRUTH + RNG.normal(0.5, 1, 200)
GROUPS = np.arange(200) // 10


def test_figures_are_scikit_learns():
    found = value_errors(TRUTH, PREDICTED, GROUPS)
    assert found["R2"] == pytest.approx(r2_score(TRUTH, PREDICTED))
    assert found["RMSE"] == pytest.approx(root_mean_squared_error(TRUTH, PREDICTED))
    assert found["MAE"] == pytest.approx(mean_absolute_error(TRUTH, PREDICTED))
    assert found["bias"] == pytest.approx((PREDICTED - TRUTH).mean())
    assert (found["samples"], found["groups"]) == (200, 20)


def test_intervals_are_those_of_drawing_whole_groups():
    rng, drawn = np.random.default_rng(3), []
    for _ in range(1000):
        chosen = np.concatenate([np.arange(10) + 10 * group for group in rng.integers(0, 20, 20)])
        drawn.append(
            (r2_score(TRUTH[chosen], PREDICTED[chosen]), mean_absolute_error(TRUTH[chosen], PREDICTED[chosen]))
        )
    expected = np.quantile(drawn, [0.05, 0.95], axis=0)
    found = value_errors(TRUTH, PREDICTED, GROUPS)
    for name, (low, high) in zip(("R2", "MAE"), expected.T, strict=True):
        np.testing.assert_allclose(found[f"{name}_interval"], (low, high), atol=0.2 * (high - low))


def test_neighbours_that_err_together_make_intervals_wide():
    shared = TRUTH + np.repeat(RNG.normal(0, 1, 20), 10)
    (low, high), (near, far) = (value_errors(TRUTH, shared, each)["RMSE_interval"] for each in (GROUPS, np.arange(200)))
    assert high - low > 1.5 * (far - near)


def test_one_group_has_no_interval_and_one_value_no_share():
    found = value_errors(np.full(3, 0.1), np.zeros(3), np.zeros(3, dtype=int))
    assert np.isnan(found["R2"])  # though the mean of three times 0.1 is not 0.1
    assert found["RMSE_interval"] is None


def targets(*names):
    return InputSpec(
        classes=(),
        bands=(0,),
        file_bands=1,
        num_bands=1,
        protocol="by hand",
        targets=tuple(dict(name=name, unit="%", mean=0.0, std=1.0) for name in names),
    )


def test_a_target_that_does_not_vary_leaves_the_mean_to_the_others(tmp_path):
    metric = ValueMetric(out_file=str(tmp_path / "report.json"))
    metric.dataset_meta = targets("clay", "sand").to_meta()
    for index in range(20):
        truth = torch.tensor([TRUTH[index], 0.1], dtype=torch.float64)
        metric.process({}, [dict(gt_value=truth, pred_value=torch.tensor([PREDICTED[index], 0.2]), group=index)])
    found = metric.evaluate(20)
    assert np.isnan(found["sand/R2"])
    assert found["R2"] == found["clay/R2"] == pytest.approx(r2_score(TRUTH[:20], PREDICTED[:20]), abs=1e-6)
    assert json.loads((tmp_path / "report.json").read_text())["targets"][1]["RMSE"] == pytest.approx(0.1)


def test_report_names_every_target_and_leaves_unknown_values_out(tmp_path):
    metric = ValueMetric(out_file=str(tmp_path / "report.json"))
    metric.dataset_meta = targets("clay", "sand").to_meta()
    for index in range(20):
        truth = torch.tensor([TRUTH[index], torch.nan if index < 5 else TRUTH[index]], dtype=torch.float64)
        sample = dict(gt_value=truth, pred_value=truth + 1, pred_std=torch.tensor([1.0, 0.1]), group=index)
        metric.process({}, [sample])
    found = metric.evaluate(20)
    assert found["clay/RMSE"] == pytest.approx(1)
    assert (found["clay/coverage"], found["sand/coverage"]) == (1, 0)  # 1 lies within 1.645 times 1, not 0.1
    report = json.loads((tmp_path / "report.json").read_text())
    assert [target["samples"] for target in report["targets"]] == [20, 15]
    assert report["protocol"] == "by hand"
    metric.dataset_meta = InputSpec(classes=("a",), bands=(0,), file_bands=1, num_bands=1).to_meta()
    with pytest.raises(ConfigError, match="no targets"):
        metric.compute_metrics([])
