"""Losses that leave unlabelled pixels out, against sums by hand."""

import math

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import CrossEntropyLoss, DiceLoss, FocalLoss

WEIGHTS = (0.5, 2.0, 1.0)


def batch():
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 3, 4, 5, generator=generator)
    labels = torch.randint(0, 3, (2, 4, 5), generator=generator)
    labels[0, :2] = 255
    return logits.requires_grad_(), labels


def slow(logits, labels, weights, gamma=0.0, smoothing=0.0):
    total = shares = 0.0
    for image in range(2):
        for row in range(4):
            for column in range(5):
                label = int(labels[image, row, column])
                if label == 255:
                    continue
                exponentials = [math.exp(value) for value in logits[image, :, row, column].tolist()]
                scores = [value / sum(exponentials) for value in exponentials]
                loss = -(1 - smoothing) * math.log(scores[label]) - smoothing * sum(map(math.log, scores)) / 3
                total += weights[label] * (1 - scores[label]) ** gamma * loss
                shares += weights[label]
    return total / shares


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss(weights, gamma):
    logits, labels = batch()
    loss = FocalLoss(gamma, weights, loss_weight=3)(logits, labels)
    assert loss.item() == pytest.approx(3 * slow(logits, labels, weights or (1, 1, 1), gamma), rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(weights, smoothing):
    logits, labels = batch()
    loss = CrossEntropyLoss(weights, smoothing)(logits, labels)
    assert loss.item() == pytest.approx(slow(logits, labels, weights or (1, 1, 1), smoothing=smoothing), rel=1e-5)


def slow_dice(logits, labels, weights, pixel_weights=None):
    total = shares = 0.0
    for k in range(3):
        overlap = scores_squared = truth = 0.0
        for image in range(2):
            for row in range(4):
                for column in range(5):
                    label = int(labels[image, row, column])
                    if label == 255:
                        continue
                    pixel = 1.0 if pixel_weights is None else float(pixel_weights[image, row, column])
                    exponentials = [math.exp(value) for value in logits[image, :, row, column].tolist()]
                    score = exponentials[k] / sum(exponentials)
                    overlap += pixel * score * (label == k)
                    scores_squared += pixel * score**2
                    truth += pixel * (label == k)
        if truth:
            total += weights[k] * (1 - 2 * overlap / (scores_squared + truth))
            shares += weights[k]
    return total / shares


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("absent", [None, 1])
def test_dice_loss(weights, absent):
    logits, labels = batch()
    labels[labels == absent] = 2
    loss = DiceLoss(weights, loss_weight=3)(logits, labels)
    assert loss.item() == pytest.approx(3 * slow_dice(logits, labels, weights or (1, 1, 1)), rel=1e-5)
    pixel_weights = torch.rand(labels.shape)
    found = DiceLoss(weights)(logits, labels, pixel_weights).item()
    assert found == pytest.approx(slow_dice(logits, labels, weights or (1, 1, 1), pixel_weights), rel=1e-5)


def test_dice_loss_of_certain_scores():
    labels = torch.tensor([[0, 2, 2, 255]])
    certain = 200.0 * torch.nn.functional.one_hot(torch.tensor([[0, 2, 2, 1]]), 3).mT
    assert DiceLoss()(certain, labels) == 0
    assert DiceLoss()(certain.roll(1, 1), labels) == 1


@pytest.mark.parametrize(
    "loss",
    [CrossEntropyLoss(WEIGHTS), FocalLoss(0.5, WEIGHTS), DiceLoss(WEIGHTS)],
    ids=["ce", "focal", "dice"],
)
def test_unlabelled_pixels_change_nothing(loss):
    logits, labels = batch()
    before = loss(logits, labels)
    (gradient,) = torch.autograd.grad(before, logits)
    assert not gradient[0, :, :2].any()
    assert gradient[labels[:, None].expand_as(gradient) != 255].all()
    with torch.no_grad():
        logits[0, :, :2] += 7
    assert loss(logits, labels) == before
    nothing = loss(logits, torch.full_like(labels, 255))
    (gradient,) = torch.autograd.grad(nothing, logits)
    assert nothing == 0
    assert not gradient.any()


def test_gamma_0_is_cross_entropy_and_a_sure_pixel_has_a_finite_gradient():
    logits, labels = batch()
    torch.testing.assert_close(FocalLoss(0)(logits, labels), CrossEntropyLoss()(logits, labels))
    sure = torch.tensor([[100.0, 0, 0]], requires_grad=True)
    FocalLoss(0.5)(sure, torch.tensor([0])).backward()
    assert sure.grad.isfinite().all()


def test_pixel_weights():
    logits, labels = batch()
    weight = torch.zeros(2, 4, 5)
    weight[1, 2, 3] = 4
    expected = -logits[1, :, 2, 3].log_softmax(0)[labels[1, 2, 3]]
    torch.testing.assert_close(CrossEntropyLoss()(logits, labels, weight), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss(-1), "gamma=-1 must not be negative"),
        (lambda: CrossEntropyLoss((1, -1)), "must not be negative"),
        (lambda: CrossEntropyLoss(label_smoothing=2), "must lie in 0 to 1"),
        (lambda: DiceLoss((1, 1))(*batch()), "DiceLoss: 2 class weights given, the head has 3 classes"),
        (lambda: CrossEntropyLoss((1, 1))(*batch()), "2 class weights given, the head has 3 classes"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
