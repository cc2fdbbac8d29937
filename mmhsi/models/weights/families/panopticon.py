"""Panopticon: cross-attention from bands to patch tokens, on DINOv2's transformer."""

from __future__ import annotations

from .base import Family, PublicWeights

FUSION = r"patch_embed\.chnfus\."

PANOPTICON = Family(
    name="Panopticon",
    marks="patch_embed.chnfus.query",
    rules={
        r"patch_embed\.conv3d\.conv3d\.": "patch_embed.pixels.",
        rf"{FUSION}query": "patch_embed.query",
        rf"{FUSION}xattn\.inproj_k\.": "patch_embed.key.",
        rf"{FUSION}xattn\.inproj_v\.": "patch_embed.value.",
        rf"{FUSION}chnemb\.": None,  # of radar
    },
    reshape={"patch_embed.pixels.weight": lambda value: value.flatten(1)},  # (D, 1, 1, p, p)
    weights=(
        PublicWeights(
            name="panopticon-vit-b",
            family="Panopticon",
            backbone=dict(
                type="HSIViT",
                arch=dict(embed_dims=768, num_layers=12, num_heads=12, feedforward_channels=3072),
                img_size=518,
                patch_size=14,
                pos_embed="learned",
                layer_scale_init_value=1e-5,
                with_mask_token=True,
                embedding=dict(type="PanopticonEmbed"),
            ),
            citation="L. Waldmann et al., Panopticon: advancing any-sensor foundation models for Earth observation, "
            "arXiv:2503.10845, 2025",
            license="Apache-2.0 (the code; the weights' page was not seen)",
            homepage="https://github.com/Panopticon-FM/panopticon",
            url="https://huggingface.co/lewaldm/panopticon/resolve/main/panopticon_vitb14_teacher.pth",
            hub=("lewaldm/panopticon", "panopticon_vitb14_teacher.pth", "main"),
            normalisation="each band by the mean and standard deviation of its data set",
            caveat="ViT-B/14 on images of 224 pixels; its channels of radar are left out. Positions of other grids are "
            "interpolated as here, not with DINOv2's offset.",
        ),
    ),
)
