"""Metrics against scikit-learn."""

import json
import math

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from sklearn import metrics

from mmhsi.errors import DataError
from mmhsi.evaluation import ConfusionMatrix, LandCoverMetric
from mmhsi.spec import InputSpec


def pairs(classes, n=2000, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    prediction = np.where(rng.random(n) < 0.7, truth, rng.integers(0, classes, n))
    return truth, prediction


@pytest.mark.parametrize("classes", [2, 6, 24])
def test_equals_scikit_learn(classes):
    truth, prediction = pairs(classes)
    matrix = ConfusionMatrix.from_labels(truth, prediction, classes)
    assert matrix.counts.tolist() == metrics.confusion_matrix(truth, prediction).tolist()
    assert matrix.overall_accuracy == pytest.approx(metrics.accuracy_score(truth, prediction))
    assert matrix.average_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, prediction))
    assert matrix.kappa == pytest.approx(metrics.cohen_kappa_score(truth, prediction))
    assert matrix.class_accuracy == pytest.approx(metrics.recall_score(truth, prediction, average=None))
    assert matrix.class_iou == pytest.approx(metrics.jaccard_score(truth, prediction, average=None))
    assert matrix.mean_iou == pytest.approx(metrics.jaccard_score(truth, prediction, average="macro"))


def test_absent_classes_count_neither_as_0_nor_as_100():
    matrix = ConfusionMatrix.from_labels(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2]), 4)
    assert matrix.occurs.tolist() == [True, False, True, False]
    assert matrix.average_accuracy == pytest.approx(0.75)
    assert matrix.mean_iou == pytest.approx(0.75)
    assert np.isnan(matrix.class_accuracy[[1, 3]]).all()


def test_parts_add_up_and_ignored_pixels_change_nothing():
    truth, prediction = pairs(5)
    whole = ConfusionMatrix.from_labels(truth, prediction, 5)
    ignored = np.full(50, 255)
    parts = ConfusionMatrix.from_labels(truth[:700], prediction[:700], 5) + ConfusionMatrix.from_labels(
        np.concatenate([truth[700:], ignored]), np.concatenate([prediction[700:], ignored * 0]), 5
    )
    assert parts.counts.tolist() == whole.counts.tolist()


def test_nothing_to_count_is_not_a_number():
    empty = ConfusionMatrix.from_labels(np.array([255]), np.array([0]), 3)
    assert all(math.isnan(x) for x in (empty.overall_accuracy, empty.average_accuracy, empty.kappa, empty.mean_iou))


def test_impossible_labels_are_refused():
    with pytest.raises(DataError, match="prediction holds class 0 to 3, expected 0 to 2"):
        ConfusionMatrix.from_labels(np.array([0, 1]), np.array([0, 3]), 3)
    with pytest.raises(DataError, match="shape"):
        ConfusionMatrix.from_labels(np.array([0, 1]), np.array([0]), 3)


def metric(**kwargs):
    evaluator = LandCoverMetric(**kwargs)
    spec = InputSpec(
        classes=("wheat", "maize", "rye"), bands=(0,), file_bands=1, num_bands=1, protocol="5 pixels a class"
    )
    evaluator.dataset_meta = spec.to_meta()
    return evaluator


def test_metric_on_classified_pixels_writes_a_report(tmp_path):
    truth, prediction = pairs(2)
    evaluator = metric(out_file=str(tmp_path / "new" / "report.json"))
    samples = [
        DataSample(gt_label=torch.tensor([t]), pred_label=torch.tensor([p])).to_dict()
        for t, p in zip(truth, prediction, strict=True)
    ]
    for start in range(0, len(samples), 300):
        evaluator.process({}, samples[start : start + 300])
    result = evaluator.evaluate(len(samples))
    assert result["OA"] == pytest.approx(100 * metrics.accuracy_score(truth, prediction))
    assert result["Kappa"] == pytest.approx(100 * metrics.cohen_kappa_score(truth, prediction))
    report = json.loads((tmp_path / "new" / "report.json").read_text())
    assert report["protocol"] == "5 pixels a class"
    assert report["classes"][2] == dict(name="rye", pixels=0, accuracy=None, iou=None)
    assert report["metrics"]["AA"] == result["AA"]


def test_metric_on_segmented_tiles_leaves_ignored_pixels_out():
    truth, prediction = pairs(3, 128)
    truth[::5] = 255
    evaluator = metric()
    for t, p in zip(truth.reshape(2, 8, 8), prediction.reshape(2, 8, 8), strict=True):
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=torch.tensor(t)[None]), pred_sem_seg=PixelData(data=torch.tensor(p)[None])
        )
        evaluator.process({}, [sample.to_dict()])
    kept = truth != 255
    expected = metrics.jaccard_score(truth[kept], prediction[kept], average="macro")
    assert evaluator.evaluate(2)["mIoU"] == pytest.approx(100 * expected)
