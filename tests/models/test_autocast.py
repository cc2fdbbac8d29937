"""Mixed precision: every algorithm's and every loss's terms are computed in float32, near those without autocast.

float16 runs on the CPU too, so that what a GPU does with it can be tested without one.
"""

from functools import partial

import pytest
import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from small_algorithms import ALGORITHMS, BANDS, HEAD, SIDE, VIT, built

from mmhsi.models import CrossEntropyLoss, DiceLoss, FocalLoss, Mask2FormerLoss
from mmhsi.models.losses import SinkhornCentring, SoftmaxCentring, dino_loss, ibot_loss, koleo_loss
from mmhsi.models.masking.spectral import band_similarity
from mmhsi.registry import MODELS

HALF = [torch.bfloat16, torch.float16]


def classifier(loss):
    head = dict(type="mmpretrain.LinearClsHead", in_channels=32, num_classes=3, loss=loss)
    return dict(type="PixelClassifier", backbone=VIT, neck=dict(type="CenterContext"), head=head)


def segmentor(head, loss=None):
    head = dict(head, num_classes=3, loss_decode=loss or dict(type="CrossEntropyLoss"))
    return dict(type="EncoderDecoder", backbone=dict(VIT, out_indices=(0, 1)), decode_head=head)


LAST = dict(in_channels=16, in_index=1)
BOTH = dict(in_channels=[16, 16], in_index=[0, 1])
BY_LABELS = {
    "cross-entropy": classifier(dict(type="mmpretrain.CrossEntropyLoss")),
    "label smoothing": classifier(dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original")),
    "linear": segmentor(dict(type="MultiscaleLinearHead", **BOTH), dict(type="CrossEntropyLoss", label_smoothing=0.1)),
    "CNN": segmentor(dict(type="CNNHead", channels=8, num_upsamples=1, **LAST), dict(type="FocalLoss")),
    "UNet": segmentor(dict(type="UNetHead", channels=8, num_upsamples=1, **BOTH), dict(type="DiceLoss")),
    "Mask2Former": dict(
        type="Mask2Former",
        backbone=dict(
            type="mmseg.SwinTransformer", in_channels=BANDS, embed_dims=8, depths=(1,) * 4, num_heads=(1,) * 4
        ),
        in_channels=[8, 16, 32, 64],
        num_classes=3,
        channels=64,
        num_queries=6,
        encoder_layers=1,
        decoder_layers=1,
    ),
}


def arguments(kind):
    x = torch.randn(4, BANDS, SIDE, SIDE)
    if kind == "DINOv2":
        return dict(inputs=[x, x + 0.1 * torch.randn_like(x)])
    if kind == "PixelClassifier":
        return dict(inputs=x, data_samples=[DataSample(gt_label=torch.tensor([i % 3])) for i in range(4)])
    if kind in ("EncoderDecoder", "Mask2Former"):
        labels = torch.randint(0, 3, (4, 1, SIDE, SIDE))
        return dict(inputs=x, data_samples=[SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels])
    return dict(inputs=x, valid=torch.rand(4, SIDE, SIDE) > 0.1)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", [*ALGORITHMS, *BY_LABELS])
def test_losses_are_float32_and_close(name, dtype):
    config = {**ALGORITHMS, **BY_LABELS}[name]
    model, given = built(config), arguments(config["type"])

    def losses(enabled):
        torch.manual_seed(1)
        with torch.autocast("cpu", dtype, enabled=enabled):
            return model(**given, mode="loss")

    exact, rounded = losses(False), losses(True)
    total = 0
    for key, value in rounded.items():
        if "loss" not in key:
            continue
        assert value.dtype == torch.float32, key
        # bfloat16 has 8 bits, float16 11; what they round is the network's, of two or three layers.
        tolerance = 0.05 if dtype == torch.bfloat16 else 0.01
        assert value.item() == pytest.approx(exact[key].item(), rel=tolerance, abs=tolerance / 10), key
        total = total + value
    total.backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert all(parameter.dtype == torch.float32 for parameter in trained)
    gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
    assert gradients
    assert all(gradient.dtype == torch.float32 and gradient.isfinite().all() for gradient in gradients)


# Losses by themselves: given half-precision scores, each is exactly what the same scores give as float32.

PIXELS = 300  # squared, more than float16's 65,504
PIXEL_LOSSES = {
    "cross-entropy": CrossEntropyLoss(),
    "weighted": CrossEntropyLoss(class_weight=[0.3, 2.0, 1.0], label_smoothing=0.1),
    "focal": FocalLoss(gamma=2.0),
    "dice": DiceLoss(),
}


def same(function, dtype, *halves):
    """The function of half-precision tensors under autocast equals that of them as float32 without."""
    with torch.autocast("cpu", dtype):
        rounded = function(*(x.to(dtype) for x in halves))
    exact = function(*(x.to(dtype).float() for x in halves))
    pairs = [(rounded, exact)] if isinstance(rounded, torch.Tensor) else zip(rounded, exact, strict=True)
    for one, other in pairs:
        assert one.dtype == torch.float32
        assert one.isfinite().all()
        torch.testing.assert_close(one, other, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", PIXEL_LOSSES)
def test_pixel_losses(name, dtype):
    labels = torch.randint(0, 3, (1, PIXELS, PIXELS))
    labels[:, :5] = 255
    logits = 40 * torch.randn(1, 3, PIXELS, PIXELS)
    same(lambda scores: PIXEL_LOSSES[name](scores, labels), dtype, logits)


@pytest.mark.parametrize("dtype", HALF)
def test_mask2former_loss(dtype):
    labels = torch.randint(0, 3, (1, PIXELS, PIXELS))
    same(
        lambda classes, masks: tuple(Mask2FormerLoss()([(classes, masks)], labels).values()),
        dtype,
        10 * torch.randn(1, 5, 4),
        40 * torch.randn(1, 5, PIXELS, PIXELS),
    )


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("centring", [SinkhornCentring, partial(SoftmaxCentring, 50)])
def test_self_distillation_at_low_temperatures(centring, dtype):
    student, teacher = torch.randn(4, 6, 50).clamp(-1, 1), torch.randn(12, 50).clamp(-1, 1)

    def terms(scores, of_teacher):
        targets = centring()(of_teacher, 0.04)
        pair = dino_loss(scores[:2], scores[2:], targets.unflatten(0, (2, 6)), 0.1)
        return targets, *pair, ibot_loss(scores.flatten(0, 1)[:12], targets, torch.full((12,), 0.5), 4, 0.1)

    same(terms, dtype, student, teacher)


@pytest.mark.parametrize("dtype", HALF)
def test_koleo_and_band_similarity(dtype):
    x = torch.randn(6, 40)
    x[1] = 1.01 * x[0]
    same(koleo_loss, dtype, x)
    images = 1 + 0.01 * torch.randn(2, 8, 6, 6)  # nearly alike: rounded products would be in another order
    same(lambda bands: band_similarity(bands, torch.tensor([1, 5])), dtype, images)


@pytest.mark.parametrize("dtype", HALF)
def test_smoothed_labels_of_a_classifier(dtype):
    model = built(BY_LABELS["label smoothing"])
    features, samples = (torch.randn(4, 32),), arguments("PixelClassifier")["data_samples"]
    with torch.autocast("cpu", dtype):
        loss = model.head.loss(features, samples)["loss"]
        scores = model.head.fc(features[0])
    truth = torch.tensor([0.9, 0.0, 0.0]) + 0.1 / 3
    shares = [truth.roll(int(sample.gt_label)) for sample in samples]
    expected = -(torch.stack(shares) * scores.float().log_softmax(-1)).sum(-1).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("dtype", HALF)
def test_prototype_scores_are_float32(dtype):
    head = MODELS.build(dict(HEAD, in_channels=16))
    tokens = torch.randn(5, 16)
    with torch.autocast("cpu", dtype):
        narrow = head.mlp(tokens)
        scores = head(tokens)
    unit = narrow.float() / narrow.float().norm(dim=1, keepdim=True)
    torch.testing.assert_close(scores, unit @ head.last_layer.weight.T)
