"""Training windows mixed with others of their batch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample

from mmhsi.registry import MODELS

CLASSES = 4


def classifier(smooth: float, **options: object) -> torch.nn.Module:
    head = dict(
        type="mmpretrain.LinearClsHead",
        num_classes=CLASSES,
        loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=smooth, mode="original"),
    )
    torch.manual_seed(0)
    parts = dict(backbone=dict(type="CNN2D", in_channels=6), neck=dict(type="CenterContext"), head=head)
    return MODELS.build(dict(type="PixelClassifier", **parts, **options)).eval()


@pytest.mark.parametrize("smooth", [0.0, 0.1])
def test_loss_is_that_of_mixed_windows_and_soft_labels(smooth: float) -> None:
    model = classifier(smooth, mixup=True)
    x, labels = torch.randn(9, 6, 9, 9), torch.randint(CLASSES, (9,))
    samples = [DataSample(gt_label=label[None]) for label in labels]
    torch.manual_seed(7)
    loss = model(x, samples, mode="loss")["loss"]
    torch.manual_seed(7)
    share, other = torch.rand(()), torch.randperm(9)
    hard = F.one_hot(labels, CLASSES).float()
    soft = (share * hard + (1 - share) * hard[other]) * (1 - smooth) + smooth / CLASSES
    expected = F.cross_entropy(model(share * x + (1 - share) * x[other]), soft)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    plain = classifier(smooth)
    assert plain(x, samples, mode="loss")["loss"].item() != pytest.approx(loss.item(), abs=1e-4)


def test_predictions_are_not_mixed() -> None:
    x = torch.randn(5, 6, 9, 9)
    with torch.no_grad():
        assert torch.equal(
            classifier(0.1, mixup=True).eval().predict_scores(x), classifier(0.1).eval().predict_scores(x)
        )
