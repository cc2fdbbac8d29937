"""DINOv2 small enough for a test, on every kind of backbone that it takes."""

import torch

from mmhsi.models.preprocessors.view_preprocessor import ViewPreprocessor
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import MODELS

BACKBONES = {
    "spatial": dict(type="HSIViT", num_registers=2, ffn_type="swiglu_fused", pos_embed="learned", with_mask_token=True),
    "two streams": dict(type="SpatialSpectralViT", spectral_patch_size=2, spectral_grid=4, num_registers=2),
    "paper": dict(type="SpatialSpectralViT", mode="paper", spectral_patch_size=2, local_img_size=8, num_registers=2),
}
ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=24)


def untrained(backbone="spatial", size=16, backbone_options=(), **options):
    sizes = dict(in_channels=6, arch=ARCH, img_size=size, patch_size=4, layer_scale_init_value=1.0)
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type=DINOv2,
            backbone={**sizes, **BACKBONES[backbone], **dict(backbone_options)},
            head=dict(type="DINOHead", num_prototypes=10, hidden_channels=12, bottleneck_channels=8),
            data_preprocessor=dict(type=ViewPreprocessor, num_bands=6),
            **options,
        )
    )


def dinov2(*args, **options):
    model = untrained(*args, **options)
    for branch in (model.student, model.teacher):  # heads that tell tokens apart, and a teacher that is not the student
        for parameter in branch.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model


def crops(images=3, local=2, size=16):
    return [torch.randn(images, 6, side, side) for side in [size] * 2 + [size // 2] * local]
