"""Losses of self-distillation beside loops over views, images and tokens."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from mmhsi.models.losses import dino_loss, ibot_loss, koleo_loss


def cross_entropy(target, scores, temperature):
    """One token, float64, prototype by prototype."""
    scaled = [float(score) / temperature for score in scores]
    normaliser = math.log(sum(math.exp(score) for score in scaled))
    return -sum(float(share) * (score - normaliser) for share, score in zip(target, scaled, strict=True))


@pytest.mark.parametrize("local_views", [0, 1, 3])
def test_dino_sums_over_pairs_of_different_views(local_views):
    images, prototypes, temperature = 3, 5, 0.1
    student = torch.randn(2 + local_views, images, prototypes)
    teacher = torch.randn(2, images, prototypes).softmax(-1)
    terms = {"global": 0.0, "local": 0.0}
    pairs = 2 + 2 * local_views
    for taught in range(2):
        for view in range(2 + local_views):
            if view == taught:
                continue
            mean = sum(cross_entropy(teacher[taught, b], student[view, b], temperature) for b in range(images)) / images
            terms["global" if view < 2 else "local"] += mean / pairs
    global_term, local_term = dino_loss(student[:2], student[2:] if local_views else None, teacher, temperature)
    assert global_term.item() == pytest.approx(terms["global"], rel=1e-5)
    if local_views:
        assert local_term.item() == pytest.approx(terms["local"], rel=1e-5)
    else:
        assert local_term is None


def test_identical_views_give_the_minimum_for_their_teacher():
    """A student that gives every view the teacher's shares pays their entropy; any other pays more."""
    torch.manual_seed(0)
    target = torch.randn(1, 4, 6).softmax(-1).expand(2, -1, -1)
    best = 0.1 * target.log()
    entropy = -(target[0] * target[0].log()).sum(-1).mean().item()
    views = best[:1].expand(5, -1, -1)
    global_term, local_term = dino_loss(views[:2], views[2:], target, 0.1)
    assert (global_term + local_term).item() == pytest.approx(entropy, rel=1e-5)
    for _ in range(20):
        moved = views + 0.01 * torch.randn_like(views)
        assert sum(dino_loss(moved[:2], moved[2:], target, 0.1)).item() > entropy


def test_ibot_averages_over_an_image_and_then_over_images():
    hidden = [[0, 3], [], [1, 2, 4]]  # of three images
    scores = {(b, n): torch.randn(7) for b, row in enumerate(hidden) for n in row}
    targets = {key: torch.randn(7).softmax(-1) for key in scores}
    total = 0.0
    for b, row in enumerate(hidden):
        for n in row:
            total += cross_entropy(targets[b, n], scores[b, n], 0.2) / len(row) / len(hidden)
    weights = torch.tensor([1 / len(hidden[b]) for b, _ in scores])
    loss = ibot_loss(torch.stack([*scores.values()]), torch.stack([*targets.values()]), weights, 3, 0.2)
    assert loss.item() == pytest.approx(total, rel=1e-5)


def test_koleo_is_the_log_of_the_distance_to_the_nearest():
    x = torch.randn(6, 4)
    unit = (x / x.norm(dim=1, keepdim=True)).tolist()
    total = 0.0
    for i, a in enumerate(unit):
        nearest = min(math.dist(a, b) for j, b in enumerate(unit) if j != i)
        total -= math.log(nearest + 1e-8) / len(unit)  # DINOv2's form
    assert koleo_loss(x).item() == pytest.approx(total, abs=1e-4)


def test_koleo_of_one_image_is_nothing():
    x = torch.randn(1, 4, requires_grad=True)
    loss = koleo_loss(x)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(x.grad, torch.zeros(1, 4))


@pytest.mark.parametrize("distance", [0.0, 1e-7, 1e-4, 1e-3, 1e-2])
def test_koleo_of_duplicates_has_a_bounded_gradient(distance):
    x = normalize(torch.randn(2, 8).double(), dim=1)
    x = torch.stack([x[0], normalize(x[0] + distance * x[1], dim=0), -x[0]]).float().requires_grad_()
    loss = koleo_loss(x)
    loss.backward()
    assert loss.isfinite()
    # 1 / (2 eps), for the pair in both directions, over 3 samples
    assert x.grad.norm(dim=1).max() <= 2 * 500 / 3 + 1
    if distance == 0.0:
        assert x.grad[:2].norm() < 1e-3
