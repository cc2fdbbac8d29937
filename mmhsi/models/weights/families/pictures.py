"""Encoders of pictures: MAE, DINOv2, timm, mmpretrain, which :mod:`mmhsi.models.weights.layouts` reads."""

from __future__ import annotations

from typing import Any

from .base import RGB, Family, PublicWeights

SIZES = {
    "s": (384, 12, 6),
    "b": (768, 12, 12),
    "l": (1024, 24, 16),
    "h": (1280, 32, 16),
    "g": (1536, 40, 24),
}
"""Width, layers and heads; the MLP is four times as wide."""
LONG = {"s": "small", "b": "base", "l": "large", "h": "huge"}
IMAGENET = "red, green, blue from 0 to 1, less (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225)"
HALVES = "red, green, blue from -1 to 1"


def _backbone(size: str, image: int, patch: int, **options: Any) -> dict[str, Any]:
    width, depth, heads = SIZES[size]
    arch = dict(embed_dims=width, num_layers=depth, num_heads=heads, feedforward_channels=4 * width)
    return dict(type="HSIViT", arch=arch, img_size=image, patch_size=patch, **options)


def _mae(size: str, md5: str) -> PublicWeights:
    return PublicWeights(
        name=f"mae-vit-{size}",
        family="MAE",
        backbone=_backbone(size, 224, 14 if size == "h" else 16),
        citation="K. He et al., Masked autoencoders are scalable vision learners, CVPR 2022",
        license="CC-BY-NC-4.0",
        homepage="https://github.com/facebookresearch/mae",
        url=f"https://dl.fbaipublicfiles.com/mae/pretrain/mae_pretrain_vit_{LONG[size]}.pth",
        wavelengths=RGB,
        normalisation=IMAGENET,
        caveat=f"On ImageNet-1k, without labels. The publisher gives the beginning of its MD5 sum alone, {md5}.",
    )


def _dinov2(size: str, registers: int) -> PublicWeights:
    model = f"dinov2_vit{size}14"
    gated = dict(ffn_type="swiglu_fused") if size == "g" else {}
    more = dict(num_registers=registers) if registers else {}
    return PublicWeights(
        name=f"dinov2-vit-{size}{'-reg' if registers else ''}",
        family="DINOv2",
        backbone=_backbone(
            size, 518, 14, pos_embed="learned", layer_scale_init_value=1e-5, with_mask_token=True, **gated, **more
        ),
        citation="M. Oquab et al., DINOv2: learning robust visual features without supervision, TMLR 2024",
        license="Apache-2.0",
        homepage="https://github.com/facebookresearch/dinov2",
        url=f"https://dl.fbaipublicfiles.com/dinov2/{model}/{model}{'_reg4' if registers else ''}_pretrain.pth",
        wavelengths=RGB,
        normalisation=IMAGENET,
        caveat="On 142 million images, without labels; the checksum is not known. Positions of other grids are "
        "interpolated as here, not with DINOv2's offset.",
    )


def _timm(size: str) -> PublicWeights:
    model = f"vit_{LONG[size]}_patch16_224.augreg_in21k"
    return PublicWeights(
        name=f"timm-vit-{size}",
        family="timm",
        backbone=_backbone(size, 224, 16, pos_embed="learned"),
        citation="A. Steiner et al., How to train your ViT? Data, augmentation, and regularization in vision "
        "transformers, TMLR 2022",
        license="Apache-2.0",
        homepage="https://github.com/huggingface/pytorch-image-models",
        url=f"https://huggingface.co/timm/{model}/resolve/main/model.safetensors",
        hub=(f"timm/{model}", "model.safetensors", "main"),
        wavelengths=RGB,
        normalisation=HALVES,
        caveat="Of classes, on ImageNet-21k; the checksum is not known. Other vision transformers of timm without "
        "pooling or classes' tokens of their own are read by their path.",
    )


MMPRETRAIN = PublicWeights(
    name="mmpretrain-vit-b",
    family="mmpretrain",
    backbone=_backbone("b", 224, 16, pos_embed="learned"),
    citation="A. Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021; mmpretrain's model zoo",
    license="Apache-2.0",
    homepage="https://github.com/open-mmlab/mmpretrain",
    url="https://download.openmmlab.com/mmclassification/v0/vit/pretrain/"
    "vit-base-p16_3rdparty_pt-64xb64_in1k-224_20210928-02284250.pth",
    sha256="02284250",
    wavelengths=RGB,
    normalisation=HALVES,
    caveat="Of classes, on ImageNet-1k. The checksum is the beginning that the file's name holds.",
)
PICTURES = tuple(
    Family(name=name, marks="", rules={}, weights=weights)
    for name, weights in {
        "MAE": tuple(_mae(size, md5) for size, md5 in (("b", "8cad7c"), ("l", "b8b06e"), ("h", "9bdbb0"))),
        "DINOv2": tuple(_dinov2(size, registers) for registers in (0, 4) for size in "sblg"),
        "timm": tuple(_timm(size) for size in "sbl"),
        "mmpretrain": (MMPRETRAIN,),
    }.items()
)
