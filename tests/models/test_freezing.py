"""A frozen backbone stays as it was loaded, under a segmentation head and under a classifier's."""

import pytest
import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmhsi.registry import MODELS

BACKBONES = {
    "HSIViT": dict(type="HSIViT", arch="tiny", in_channels=4, img_size=8, patch_size=4, drop_rate=0.5),
    "SpatialSpectralViT": dict(
        type="SpatialSpectralViT", arch="tiny", in_channels=4, img_size=8, patch_size=4, spectral_patch_size=2
    ),
    "ResNet": dict(type="mmseg.ResNetV1c", depth=18, in_channels=4, norm_cfg=dict(type="BN"), out_indices=(3,)),
}


def segmentor(backbone, frozen):
    head = dict(
        type="CNNHead",
        in_channels=512 if "ResNet" in backbone["type"] else 128,
        num_classes=3,
        num_upsamples=0,
        channels=8,
        loss_decode=dict(type="CrossEntropyLoss"),
    )
    model = MODELS.build(
        dict(type="EncoderDecoder", frozen=frozen, backbone=backbone, decode_head=head, test_cfg=dict(mode="whole"))
    )
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 3, (1, 8, 8))))
    return model, [sample, sample]


def classifier(backbone, frozen):
    width = 512 if "ResNet" in backbone["type"] else 128
    head = dict(
        type="mmpretrain.LinearClsHead",
        in_channels=width,
        num_classes=3,
        loss=dict(type="mmpretrain.CrossEntropyLoss"),
    )
    neck = dict(type="mmpretrain.GlobalAveragePooling")
    preprocessor = dict(type="ScenePreprocessor", num_bands=4)
    parts = dict(data_preprocessor=preprocessor, backbone=backbone, neck=neck, head=head)
    model = MODELS.build(dict(type="PixelClassifier", frozen=frozen, **parts))
    return model, [DataSample().set_gt_label(0), DataSample().set_gt_label(1)]


@pytest.mark.parametrize("make", [segmentor, classifier])
@pytest.mark.parametrize("name", BACKBONES)
def test_a_frozen_backbone_is_not_trained(make, name):
    model, samples = make(BACKBONES[name], True)
    model.init_weights()
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    x = torch.randn(2, 4, 8, 8)
    features = model.backbone(x)
    assert not features[-1].requires_grad  # no graph
    assert torch.equal(features[-1], model.backbone(x)[-1])  # no dropout
    sum(value for key, value in model(x, samples, mode="loss").items() if "loss" in key).backward()
    optimiser.step()
    changed = {key.split(".")[0] for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"decode_head" if make is segmentor else "head"}
    assert not set(optimiser.state) & set(model.backbone.parameters())


@pytest.mark.parametrize("make", [segmentor, classifier])
def test_by_default_everything_is_trained(make):
    model, samples = make(BACKBONES["HSIViT"], False)
    model.init_weights()
    model.train()
    sum(
        value for key, value in model(torch.randn(2, 4, 8, 8), samples, mode="loss").items() if "loss" in key
    ).backward()
    trained = [p for p in model.backbone.parameters() if p.requires_grad]
    assert len(trained) > 50
    assert all(p.grad is not None for p in trained)
