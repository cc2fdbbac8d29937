"""Which classes occur in a tile: the truth of a label map, the loss that learns it, its figures, and no map."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from sklearn.metrics import average_precision_score

from mmhsi.errors import ConfigError
from mmhsi.evaluation import PresenceMetric
from mmhsi.inference import SceneInferencer
from mmhsi.models.presence import presence
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec
from tests.small_models import SMALL

LOSS = dict(type="mmpretrain.CrossEntropyLoss", use_sigmoid=True)


def sample(labels):
    return SegDataSample(gt_sem_seg=PixelData(data=torch.tensor(labels)[None]))


MODEL = dict(
    type="PresenceClassifier",
    data_preprocessor=dict(type="TilePreprocessor", num_bands=3),
    backbone=dict(type="HSIViT", in_channels=3, arch=SMALL, img_size=4, patch_size=2),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
    head=dict(type="mmpretrain.MultiLabelLinearClsHead", num_classes=3, loss=LOSS),
)


def model():
    torch.manual_seed(0)
    return MODELS.build(MODEL)


def test_classes_of_a_label_map():
    assert presence(torch.tensor([[2, 255], [0, 2]]), 4).tolist() == [True, False, True, False]
    assert not presence(torch.full((2, 2), 255), 3).any()


def test_the_loss_is_binary_cross_entropy_of_what_occurs():
    network, x = model(), torch.randn(2, 3, 4, 4)
    samples = [sample([[0, 0], [255, 2]]), sample([[255, 255], [255, 255]])]
    loss = network(x, samples, mode="loss")["loss"]
    truth = torch.tensor([[1.0, 0, 1], [0, 0, 0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(network(x), truth, reduction="sum") / 2
    assert torch.allclose(loss, expected)
    loss.backward()
    (first, _) = network(x, samples, mode="predict")
    assert torch.allclose(first.pred_score, network(x)[0].sigmoid())


def test_figures_are_those_of_scikit_learn_and_absent_classes_do_not_count():
    scores = np.random.default_rng(0).random((8, 4)).astype(np.float32)
    truth = np.random.default_rng(1).random((8, 4)) > 0.5
    truth[:, 3] = False  # a class of no tile
    metric = PresenceMetric()
    for row, true in zip(scores, truth, strict=True):
        labels = [*np.flatnonzero(true), 255]
        metric.process({}, [dict(gt_sem_seg=dict(data=torch.tensor(labels)), pred_score=torch.from_numpy(row))])
    found = metric.evaluate(8)
    by_class = [average_precision_score(truth[:, index], scores[:, index]) for index in range(3)]
    assert found["macro_AP"] == pytest.approx(100 * np.mean(by_class))
    assert found["micro_AP"] == pytest.approx(100 * average_precision_score(truth.ravel(), scores.ravel()))
    hits = ((scores >= 0.5) & truth).sum()
    assert found["micro_F1"] == pytest.approx(100 * 2 * hits / ((scores >= 0.5).sum() + truth.sum()))


def test_no_map_of_pixels_is_made(tmp_path):
    spec = InputSpec(classes=("a", "b", "c"), bands=(0, 1, 2), file_bands=3, num_bands=3, window=(4, 4))
    checkpoint = dict(meta=dict(dataset_meta=spec.to_meta()), state_dict=model().state_dict())
    torch.save(checkpoint, tmp_path / "presence.pth")
    with pytest.raises(ConfigError, match="which classes occur in a tile"):
        SceneInferencer(Config(dict(model=MODEL)), tmp_path / "presence.pth")
