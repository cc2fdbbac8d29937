"""Models with random weights and the metadata that training would have put into their checkpoints."""

from __future__ import annotations

from small_models import SMALL
from torch import Tensor, nn

from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

BANDS, CLASSES = 5, ["a", "b", "c"]
USED = [0, 1, 2, 4]
SPEC = InputSpec(
    classes=("a", "b", "c"), bands=(0, 1, 2, 4), file_bands=5, num_bands=4, label_ids=(1, 2, 3), ignore_ids=(0,)
)
META = SPEC.to_meta()
STATISTICS = dict(num_bands=4, mean=[500.0] * 4, std=[200.0] * 4)


@MODELS.register_module(force=True)
class OneConvolution(nn.Module):
    """A backbone that looks as far as its kernel."""

    def __init__(self, in_channels: int = 4, channels: int = 6, kernel: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.conv(x).relu(),)


VIT = dict(type="HSIViT", in_channels=4, arch=SMALL, img_size=6, patch_size=3)
CONV = dict(type="OneConvolution")


def pixel_model(backbone: dict, neck: dict, channels: int, **preprocessor: object) -> dict:
    return dict(
        type="PixelClassifier",
        data_preprocessor=dict(type="ScenePreprocessor", **STATISTICS, **preprocessor),
        backbone=backbone,
        neck=neck,
        head=dict(
            type="mmpretrain.LinearClsHead",
            in_channels=channels,
            num_classes=3,
            loss=dict(type="mmpretrain.CrossEntropyLoss"),
        ),
    )


def segment_model(backbone: dict, head: dict) -> dict:
    return dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="TilePreprocessor", **STATISTICS),
        backbone=backbone,
        decode_head=dict(num_classes=3, loss_decode=dict(type="CrossEntropyLoss"), **head),
        test_cfg=dict(mode="whole"),
    )


PIXEL = pixel_model(VIT, dict(type="CenterContext"), 32)
SEGMENT = segment_model(VIT, dict(type="MultiscaleLinearHead", in_channels=[16], in_index=[0]))
PIXEL_CONV = pixel_model(CONV, dict(type="mmpretrain.GlobalAveragePooling"), 6)
FCN = dict(type="mmseg.FCNHead", in_channels=6, channels=6, in_index=0, num_convs=0, concat_input=False)
SEGMENT_CONV = segment_model(CONV, FCN)
SEGMENT_CONV3 = segment_model({**CONV, "kernel": 3}, FCN)
QUERIES = dict(
    type="Mask2Former",
    data_preprocessor=SEGMENT["data_preprocessor"],
    backbone=dict(
        type="mmseg.SwinTransformer", in_channels=4, embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1)
    ),
    in_channels=[8, 16, 32, 64],
    num_classes=3,
    channels=64,
    num_queries=6,
    encoder_layers=1,
    decoder_layers=1,
)
