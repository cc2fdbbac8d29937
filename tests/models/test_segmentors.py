"""Every head on every backbone, and mmseg's heads in our segmentor as in mmseg's own."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmhsi.registry import MODELS

pytestmark = pytest.mark.usefixtures("scope")
CLASSES = 3
BACKBONES = {
    "HSIViT": dict(img_size=9, out_indices=(0, 1, 2, 3)),
    "SpatialSpectralViT": dict(img_size=9, out_indices=(0, 1, 2, 3)),
    "SST": dict(bands_per_block=4, out_indices=(0, 1, 2, 3)),
}
NORM = dict(norm_cfg=dict(type="BN"))


def deeplab(d):
    aspp = dict(type="mmseg.DepthwiseSeparableASPPHead", in_channels=d, in_index=3, channels=16, **NORM)
    fcn = dict(type="mmseg.FCNHead", in_channels=d, in_index=2, channels=16, num_convs=1, concat_input=False, **NORM)
    return dict(decode_head=dict(aspp, dilations=(1, 12, 24, 36), c1_in_channels=d, c1_channels=8), auxiliary_head=fcn)


def segmenter(d):
    layers = dict(num_layers=2, num_heads=12, embed_dims=24, channels=24, dropout_ratio=0.0)
    return dict(decode_head=dict(type="mmseg.SegmenterMaskTransformerHead", in_channels=d, in_index=3, **layers))


def on_last(d, **head):
    return dict(decode_head=dict(in_channels=d, in_index=3, **head))


def on_all(d, **head):
    return dict(decode_head=dict(in_channels=[d] * 4, in_index=[0, 1, 2, 3], **head))


HEADS = {
    "linear": lambda d: on_all(d, type="MultiscaleLinearHead"),
    "CNN": lambda d: on_last(d, type="CNNHead", channels=8),
    "UNet": lambda d: on_all(d, type="UNetHead", channels=8),
    "Segmenter": segmenter,
    "DeepLabV3+": deeplab,
    "FCN": lambda d: on_last(d, type="mmseg.FCNHead", channels=8, **NORM),
    "UPerNet": lambda d: on_all(d, type="mmseg.UPerHead", channels=8, pool_scales=(1, 2), **NORM),
    "SegFormer": lambda d: on_all(d, type="mmseg.SegformerHead", channels=8, **NORM),
}


def build(backbone, head, segmentor="EncoderDecoder", loss=None, bands=8):
    """A segmentor of tiny parts; every head gets the classes and the loss."""
    torch.manual_seed(0)
    part = dict(type=backbone, arch="tiny", in_channels=bands, patch_size=3, **BACKBONES[backbone])
    width = MODELS.build(part)(torch.zeros(1, bands, 9, 9))[-1].shape[1]
    if head == "Mask2Former":
        sizes = dict(channels=64, num_queries=6, encoder_layers=1, decoder_layers=3, size_divisor=3)
        model = dict(type="Mask2Former", in_channels=[width] * 4, num_classes=CLASSES, **sizes)
    else:
        heads = HEADS[head](width)
        for part_of_model in heads.values():
            part_of_model.update(num_classes=CLASSES, loss_decode=loss or dict(type="CrossEntropyLoss"))
        model = dict(type=segmentor, test_cfg=ConfigDict(mode="whole"), **heads)
    model = MODELS.build(dict(model, backbone=part))
    model.init_weights()
    return model


def batch(height, width, bands=8):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (2, 1, height, width), generator=generator)
    labels[0, :, :4] = 255
    shape = (height, width)
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label), metainfo=dict(ori_shape=shape, img_shape=shape, pad_shape=shape)
        )
        for label in labels
    ]
    return torch.randn(2, bands, height, width, generator=generator), samples


PAIRS = [(backbone, head) for backbone in BACKBONES for head in [*HEADS, "Mask2Former"]]
"""Backbones differ in their maps' width alone: of the others than the first, three heads are enough every time."""


@pytest.mark.parametrize(
    ("backbone", "head"),
    [
        pair
        if pair[0] == "HSIViT" or pair[1] in ("linear", "CNN", "Segmenter")
        else pytest.param(*pair, marks=pytest.mark.slow)
        for pair in PAIRS
    ],
)
def test_every_head_on_every_backbone(backbone, head):
    model = build(backbone, head)
    for size in ((12, 9), (11, 16)):
        x, samples = batch(*size)
        for sample in model.eval()(x, samples, mode="predict"):
            assert sample.seg_logits.data.shape == (CLASSES, *size)
            assert sample.pred_sem_seg.data.shape == (1, *size)
    loss = sum(value for key, value in model.train()(x, samples, mode="loss").items() if "loss" in key)
    assert loss.isfinite()
    loss.backward()
    without = [name for name, p in model.named_parameters() if "backbone" not in name and p.grad is None]
    assert without == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("head", ["Segmenter", "DeepLabV3+"])
def test_heads_of_mmseg_are_as_in_its_own_segmentor(head):
    ours = build("HSIViT", head)
    loss = dict(type="mmseg.CrossEntropyLoss", avg_non_ignore=True)
    theirs = build("HSIViT", head, "mmseg.EncoderDecoder", loss)
    for parameter in ours.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    theirs.load_state_dict(ours.state_dict())
    x, samples = batch(12, 18)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))
    predictions = [model(x, samples, mode="predict")[0].seg_logits.data.clone() for model in (ours, theirs)]
    assert torch.equal(*predictions)
    losses = []
    for model in (ours, theirs):
        torch.manual_seed(1)  # dropout
        losses.append(model.train()(x, samples, mode="loss"))
    assert losses[0].keys() == losses[1].keys() >= {"decode.loss_ce"}
    assert ("aux.loss_ce" in losses[0]) == (head == "DeepLabV3+")
    torch.testing.assert_close(losses[0], losses[1])
    for loss in losses:
        sum(value for key, value in loss.items() if "loss" in key).backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_dice_beside_focal_loss():
    losses = [dict(type="FocalLoss"), dict(type="DiceLoss", loss_weight=0.5)]
    model = build("HSIViT", "linear", loss=losses).eval()  # no dropout
    x, samples = batch(12, 9)
    found = model(x, samples, mode="loss")
    assert set(found) == {"decode.loss_focal", "decode.loss_dice", "decode.acc_seg"}
    logits = model.decode_head.predict(model.backbone(x), [samples[0].metainfo], None)
    labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
    torch.testing.assert_close(found["decode.loss_dice"], MODELS.build(losses[1])(logits, labels))
