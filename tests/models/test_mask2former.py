"""Mask2Former: its loss against transformers' own functions and all permutations, its sizes, what padding does."""

import itertools
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPreTrainedModel,
    dice_loss,
    pair_wise_dice_loss,
    pair_wise_sigmoid_cross_entropy_loss,
    sigmoid_cross_entropy_loss,
)

from mmhsi.errors import ConfigError
from mmhsi.models import Mask2FormerLoss
from mmhsi.models.losses.mask2former import pairwise_dice, pairwise_entropy
from mmhsi.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / "configs/_base_/models"
SIZES = dict(channels=64, num_heads=2, num_queries=6, encoder_layers=1, decoder_layers=3)
SIZES.update(encoder_feedforward=16, decoder_feedforward=16, in_channels=[8, 16, 32, 64])


def build(**changes):
    torch.manual_seed(0)
    swin = dict(type="mmseg.SwinTransformer", in_channels=5, embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    model = MODELS.build(dict(type="Mask2Former", backbone=swin, num_classes=3, **{**SIZES, **changes}))
    model.init_weights()
    return model


def samples(labels):
    return [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]


def batch(queries=4, classes=3):
    """Two layers' predictions for two images, the first half labelled, with two classes of three."""
    generator = torch.Generator().manual_seed(0)
    layers = [
        (
            torch.randn(2, queries, classes + 1, generator=generator).requires_grad_(),
            torch.randn(2, queries, 4, 5, generator=generator).requires_grad_(),
        )
        for _ in range(2)
    ]
    labels = torch.randint(0, 3, (2, 4, 5), generator=generator)
    labels[0, labels[0] == 1] = 2
    labels[0, :2] = 255
    return layers, labels


def test_costs_of_pairs():
    generator = torch.Generator().manual_seed(0)
    masks, targets = 3 * torch.randn(5, 40, generator=generator), (torch.rand(3, 40, generator=generator) > 0.7).float()
    torch.testing.assert_close(pairwise_entropy(masks, targets), pair_wise_sigmoid_cross_entropy_loss(masks, targets))
    torch.testing.assert_close(pairwise_dice(masks, targets), pair_wise_dice_loss(masks, targets))


def slow(layers, labels, weights=(2.0, 5.0, 5.0), no_object=0.1):
    """The stock terms on the labelled pixels, with the best of all assignments of classes to queries."""
    images = [label != 255 for label in labels]
    present = [sorted(set(label[chosen].tolist())) for label, chosen in zip(labels, images, strict=True)]
    count = sum(map(len, present))
    totals = [0.0, 0.0, 0.0]
    for class_logits, mask_logits in layers:
        queries, no_class = class_logits.shape[1], class_logits.shape[2] - 1
        wanted = torch.full((len(labels), queries), no_class)
        chosen_masks, chosen_targets = [], []
        for i, (chosen, classes) in enumerate(zip(images, present, strict=True)):
            masks = mask_logits[i][:, chosen]
            targets = torch.stack([(labels[i][chosen] == k).float() for k in classes])
            costs = (
                -weights[0] * class_logits[i].softmax(-1)[:, classes]
                + weights[1] * pair_wise_sigmoid_cross_entropy_loss(masks, targets)
                + weights[2] * pair_wise_dice_loss(masks, targets)
            ).tolist()
            best = min(
                itertools.permutations(range(queries), len(classes)),
                key=lambda order, costs=costs: sum(costs[q][t] for t, q in enumerate(order)),
            )
            wanted[i, list(best)] = torch.tensor(classes)
            chosen_masks.append(masks[list(best)])
            chosen_targets.append(targets)
        totals[0] += nn.CrossEntropyLoss(torch.tensor([1.0] * no_class + [no_object]))(class_logits.mT, wanted)
        totals[1] += sum(map(sigmoid_cross_entropy_loss, chosen_masks, chosen_targets, [count] * 2))
        totals[2] += sum(map(dice_loss, chosen_masks, chosen_targets, [count] * 2))
    return [weight * total for weight, total in zip(weights, totals, strict=True)]


@pytest.mark.parametrize("weights", [(2.0, 5.0, 5.0), (1.0, 0.5, 3.0)])
def test_loss_is_the_stock_one_of_the_best_assignment(weights):
    layers, labels = batch()
    loss = Mask2FormerLoss(*weights)(layers, labels)
    assert list(loss) == ["loss_class", "loss_mask", "loss_dice"]
    torch.testing.assert_close(list(loss.values()), slow(layers, labels, weights))


def test_unlabelled_pixels_change_nothing():
    layers, labels = batch()
    before = Mask2FormerLoss()(layers, labels)
    gradients = torch.autograd.grad(sum(before.values()), [masks for _, masks in layers])
    for gradient in gradients:
        assert not gradient[0, :, :2].any()
        assert gradient[0, :, 2:].any()
    with torch.no_grad():
        for _, masks in layers:
            masks[0, :, :2] += 100 * torch.randn(2, 5)
    assert Mask2FormerLoss()(layers, labels) == before
    labels[0, :2] = 7
    assert Mask2FormerLoss()(layers, labels, ignore_index=7) == before


def test_images_without_labels():
    layers, labels = batch()
    alone = Mask2FormerLoss()([(classes[1:], masks[1:]) for classes, masks in layers], labels[1:])
    labels[0] = 255
    both = Mask2FormerLoss()(layers, labels)
    torch.testing.assert_close(both, alone)
    nothing = sum(Mask2FormerLoss()(layers, torch.full_like(labels, 255)).values())
    assert nothing == 0
    for gradient in torch.autograd.grad(nothing, [tensor for layer in layers for tensor in layer]):
        assert not gradient.any()


def test_more_classes_than_queries():
    layers, labels = batch(queries=2)
    loss = Mask2FormerLoss()(layers, labels)
    assert all(value.isfinite() for value in loss.values())
    with torch.no_grad():
        layers[0][1][0, 0, 3, 3] = float("nan")  # a model that has diverged
    assert sum(Mask2FormerLoss()(layers, labels).values()).isnan()


def test_the_decoder_is_that_of_transformers():
    torch.manual_seed(0)
    widths = dict(feature_size=64, mask_feature_size=64, hidden_dim=64, num_attention_heads=2)
    layers = dict(encoder_layers=1, decoder_layers=4, encoder_feedforward_dim=16, dim_feedforward=16)
    swin = SwinConfig(
        num_channels=5, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, out_features=[f"stage{i}" for i in range(1, 5)]
    )
    whole = Mask2FormerForUniversalSegmentation(
        Mask2FormerConfig(backbone_config=swin, num_labels=3, num_queries=6, **widths, **layers)
    ).eval()
    model = build().eval()
    parts = {"pixel_decoder": "model.pixel_level_module.decoder", "transformer": "model.transformer_module"}
    for name, theirs in {**parts, "class_predictor": "class_predictor"}.items():
        ours = getattr(model.decoder, name)
        assert ours.state_dict().keys() == whole.get_submodule(theirs).state_dict().keys()
        # Drawn from the same distribution, also what transformers' layers leave as the memory was.
        for key, value in ours.state_dict().items():
            assert value.std(correction=0).item() == pytest.approx(
                whole.get_submodule(theirs).state_dict()[key].std(correction=0).item(), rel=0.3, abs=0.05
            )
        ours.load_state_dict(whole.get_submodule(theirs).state_dict())
    x = torch.randn(2, 5, 64, 32)
    with torch.no_grad():
        expected = whole(x, output_auxiliary_logits=True)
        found = model.decoder(whole.model.pixel_level_module.encoder(x).feature_maps)
    assert len(found) == 4
    torch.testing.assert_close(found[-1], (expected.class_queries_logits, expected.masks_queries_logits))
    for ours, theirs in zip(found, expected.auxiliary_logits, strict=False):
        torch.testing.assert_close(ours, (theirs["class_queries_logits"], theirs["masks_queries_logits"]))


def test_semantic_scores_by_hand():
    model = build().eval()
    x = torch.randn(2, 5, 33, 47)
    padded = torch.zeros(2, 5, 64, 64)
    padded[:, :, :33, :47] = x
    with torch.no_grad():
        classes, masks = model.decoder(model.backbone(padded))[-1]
        logits = model.encode_decode(x)
    masks = F.interpolate(masks, size=(64, 64), mode="bilinear")
    expected = torch.zeros(2, 3, 33, 47)
    for query in range(6):
        for k in range(3):
            share = classes[:, query].softmax(-1)[:, k, None, None]
            expected[:, k] += share * masks[:, query, :33, :47].sigmoid()
    torch.testing.assert_close(logits.exp(), expected)
    torch.testing.assert_close(logits.softmax(1), expected / expected.sum(1, keepdim=True))
    assert (model(x) == logits).all()
    (first, _) = model(x, mode="predict")
    assert (first.pred_sem_seg.data[0] == expected[0].argmax(0)).all()


def test_loss_takes_finer_labels_and_every_parameter_learns():
    model = build()
    x, labels = torch.randn(2, 5, 33, 47), torch.randint(0, 3, (2, 66, 94))
    labels[0, :40] = 255
    sum(model(x, samples(labels), mode="loss").values()).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert without == set()


def test_a_frozen_backbone():
    model = build(frozen=True).train()
    sum(model(torch.randn(2, 5, 32, 32), samples(torch.randint(0, 3, (2, 32, 32))), mode="loss").values()).backward()
    assert not model.backbone.training
    assert all(p.grad is None for p in model.backbone.parameters())
    assert all(p.grad is not None for p in model.decoder.parameters())


@pytest.mark.slow
def test_it_learns_two_halves():
    model = build(decoder_layers=1).train()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 5, 32, 32, generator=generator)
    labels = torch.zeros(2, 32, 32, dtype=torch.int64)
    labels[:, :, 16:], labels[:, 28:] = 2, 255
    x[:, :, :, 16:] += 2
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        sum(model(x, samples(labels), mode="loss").values()).backward()
        optimiser.step()
    with torch.no_grad():
        found = model.eval()(x).argmax(1)
    assert (found == labels)[labels != 255].float().mean() > 0.95


@pytest.mark.parametrize(("name", "count"), [("small", 68_896_153), ("tiny", 47_578_249)])
def test_sizes_of_the_papers(name, count, monkeypatch):
    """LO-SST Table 7 has 68,896,057: Swin-S on 116 bands with 14 classes, less the patch embedding's 96 biases."""
    cfg = Config.fromfile(CONFIGS / f"mask2former_swin-{name}.py").model
    cfg.update(num_classes=14)
    cfg.backbone.update(in_channels=116)
    cfg.data_preprocessor.update(num_bands=116)
    monkeypatch.setattr(Mask2FormerPreTrainedModel, "post_init", lambda self: None)  # values only cost time
    model = MODELS.build(cfg)
    assert sum(p.numel() for p in model.parameters()) == count
    if name == "small":
        assert count - model.backbone.patch_embed.projection.bias.numel() == 68_896_057


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build(in_channels=[8]), r"in_channels=\[8\] given, expected those of four maps"),
        (lambda: build(channels=96), "channels=96 given, expected a multiple of 64"),
        (lambda: Mask2FormerLoss(dice_weight=-1), "weights must not be negative"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match="pip install") as raised:
        build()
    assert "\n" not in str(raised.value)
