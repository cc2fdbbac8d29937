"""DINOv2's losses, beside loops over streams, views, images and tokens that encode every crop alone."""

import math

import pytest
import torch
from small_dino import BACKBONES, crops, dinov2

from mmhsi.models.rng import BatchRNG


def encode_alone(branch, crop, masks=()):
    """[(CLS (d,), tokens (N, d))] of the streams of one crop (C, h, w)."""
    tokens = branch.backbone.forward_tokens(crop[None], *[mask[None] for mask in masks])
    streams = [(tokens.cls[0], tokens.patches[0])]
    return streams if tokens.spectral is None else [*streams, (tokens.spectral_cls[0], tokens.spectral[0])]


def head_of(branch, term):
    return branch.heads["shared"] if "shared" in branch.heads else branch.heads[term]


def assign(rows, counts, model, term, temperature):
    """Rows of scores to assignments, float64, one normalisation at a time."""
    scores = torch.stack(rows).double()
    if hasattr(model.centring[term], "centre"):
        return ((scores - model.centring[term].centre.double()) / temperature).softmax(1)
    shares = (scores / temperature).exp() * torch.tensor(counts, dtype=torch.float64)[:, None]
    for _ in range(3):
        for k in range(shares.shape[1]):
            shares[:, k] = shares[:, k] / shares[:, k].sum()
        for i in range(len(shares)):
            shares[i] = shares[i] / shares[i].sum().clamp(min=1e-300)
    return shares


def cross_entropy(target, scores, temperature):
    return -(target * (scores.double() / temperature).log_softmax(0)).sum()


@torch.no_grad()
def slow_losses(model, views, valid, masks):
    images, patch = len(views[0]), model.student.backbone.patch_size
    losses = {}
    taught = [[encode_alone(model.teacher, views[v][b]) for b in range(images)] for v in range(2)]
    learned = []
    for v in range(len(views)):
        row = []
        for b in range(images):
            own = [mask.hidden[v * images + b] for mask in masks] if v < 2 else []
            row.append(encode_alone(model.student, views[v][b], own))
        learned.append(row)
    for s, prefix in enumerate(model.prefixes):
        term = f"{prefix}dino"
        rows = [head_of(model.teacher, term)(taught[v][b][s][0]) for v in range(2) for b in range(images)]
        targets = assign(rows, [1.0] * len(rows), model, term, model.teacher_temperature).unflatten(0, (2, images))
        sums = dict(dino_global=0.0, dino_local=0.0)
        for t in range(2):
            for v in range(len(views)):
                for b in range(images):
                    if v != t:
                        scores = head_of(model.student, term)(learned[v][b][s][0])
                        loss = cross_entropy(targets[t, b], scores, model.student_temperature)
                        sums["dino_global" if v < 2 else "dino_local"] += loss / images / (2 + 2 * (len(views) - 2))
        koleo = 0.0
        for v in range(2):
            unit = [learned[v][b][s][0] / learned[v][b][s][0].norm() for b in range(images)]
            for b in range(images):
                nearest = min((unit[b] - unit[c]).norm().item() for c in range(images) if c != b)
                koleo -= math.log(math.hypot(nearest, 1e-3)) / images
        term, rows, student_rows, counts, shares = f"{prefix}ibot", [], [], [], []
        for v in range(2):
            for b in range(images):
                hidden = masks[s].hidden[v * images + b].nonzero().flatten().tolist()
                columns = views[v].shape[3] // patch
                holds = []
                for n in hidden:
                    top, left = n // columns * patch, n % columns * patch
                    window = valid[v][b, top : top + patch, left : left + patch]
                    holds.append(prefix != "" or bool(window.any()))
                for n, counted in zip(hidden, holds, strict=True):
                    rows.append(head_of(model.teacher, term)(taught[v][b][s][1][n]))
                    student_rows.append(head_of(model.student, term)(learned[v][b][s][1][n]))
                    counts.append(float(counted))
                    shares.append(counted / max(sum(holds), 1))
        targets = assign(rows, counts, model, term, model.teacher_temperature)
        sums["ibot"] = sum(
            share * cross_entropy(target, scores, model.student_temperature) / (2 * images)
            for share, target, scores in zip(shares, targets, student_rows, strict=True)
        )
        sums["koleo"] = 0.1 * koleo
        losses.update({f"loss_{prefix}{name}": float(value) for name, value in sums.items()})
    return losses


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(
    "options", [dict(), dict(separate_heads=True, centring="softmax", student_temperature=0.2)], ids=["", "separate"]
)
def test_losses_beside_loops(backbone, options):
    model = dinov2(backbone, **options).eval()
    for centring in model.centring.values():
        for buffer in centring.buffers():
            buffer.normal_(std=0.1)
    views = crops()
    valid = [torch.ones(3, *view.shape[2:], dtype=torch.bool) for view in views]
    valid[0][1, :9] = False
    valid[1][:, :, 4:8] = False
    torch.manual_seed(3)
    losses = model(views, valid=valid, mode="loss")
    torch.manual_seed(3)
    masks = model.draw_masks(torch.cat(views[:2]), valid, BatchRNG(3, "cpu"))
    assert all(mask.hidden.any() for mask in masks)
    wanted = slow_losses(model, views, valid, masks)
    assert {name for name in losses if "loss" in name} == set(wanted)
    for name, value in wanted.items():
        assert losses[name].item() == pytest.approx(value, rel=2e-4), name


def test_weights_scale_their_terms_and_zero_leaves_them_out():
    model, views = dinov2("two streams").eval(), crops()
    torch.manual_seed(0)
    plain = model(views, mode="loss")
    weights = dict(dino=2.0, ibot=0.5, koleo=0.3, spectral_dino=0.25, spectral_ibot=3.0, spectral_koleo=0.0)
    model.loss_weights = weights
    torch.manual_seed(0)
    weighted = model(views, mode="loss")
    assert "loss_spectral_koleo" not in weighted
    factors = dict(weights, koleo=0.3 / 0.1)
    for name, value in weighted.items():
        if name.startswith("loss_"):
            factor = factors[name.removeprefix("loss_").removesuffix("_global").removesuffix("_local")]
            assert value.item() == pytest.approx(factor * plain[name].item(), rel=1e-5), name
    spatial_only = dinov2("two streams", loss_weights=dict(spectral_dino=0, spectral_ibot=0, spectral_koleo=0))
    names = [name for name in spatial_only(views, mode="loss") if name.startswith("loss_")]
    assert names == ["loss_dino_global", "loss_dino_local", "loss_ibot", "loss_koleo"]


def test_identical_views_cost_least_with_the_teachers_own_weights():
    """Same temperature, no centring, nothing hidden: the teacher's copy pays the entropy, every other student more."""
    options = dict(centring="softmax", teacher_temperature=0.1, loss_weights=dict(ibot=0, koleo=0))
    model = dinov2(**options).eval()
    views = crops(local=0)
    views[1] = views[0]
    model.student.load_state_dict(model.teacher.state_dict())
    least = model(views, mode="loss")
    assert least["loss_dino_global"].item() == pytest.approx(least["entropy"].item() * math.log(10), rel=1e-5)
    for _ in range(10):
        for parameter in model.student.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        assert model(views, mode="loss")["loss_dino_global"] > least["loss_dino_global"]
