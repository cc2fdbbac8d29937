"""HyperSIGMA: masked autoencoders of patches and of groups of bands, without CLS and positions in the encoder.

Both fused by the authors' segmentation are one model, of which no weights are published.
"""

from __future__ import annotations

from .base import Family, PublicWeights

SIZES = {
    "b": ("base", dict(embed_dims=768, num_layers=12, num_heads=12, feedforward_channels=3072)),
    "l": ("large", dict(embed_dims=1024, num_layers=24, num_heads=16, feedforward_channels=4096)),
    "h": ("huge", dict(embed_dims=1280, num_layers=32, num_heads=16, feedforward_channels=5120)),
}
UNUSED = {r"pos_embed": None}
"""Trained with nothing: the public encoder never adds its table."""


def _weights(branch: str, kind: str) -> tuple[PublicWeights, ...]:
    """Files of one of the two transformers.

    Args:
        branch: ``'spat'`` or ``'spec'``, as the files are named.
        kind: The backbone.
    """
    return tuple(
        PublicWeights(
            name=f"hypersigma-{branch}-vit-{size}",
            family=f"HyperSIGMA-{branch}",
            backbone=dict(type=kind, arch=arch),
            input_layer="reinit" if branch == "spat" else "refuse",
            citation="D. Wang et al., HyperSIGMA: hyperspectral intelligence comprehension foundation model, "
            "arXiv:2406.11519, 2024",
            license="Apache-2.0 (the code; the weights' page was not seen)",
            homepage="https://github.com/WHU-Sigma/HyperSIGMA",
            url=f"https://huggingface.co/WHU-Sigma/HyperSIGMA/resolve/main/{branch}-vit-{long}-ultra-checkpoint-1599.pth",
            hub=("WHU-Sigma/HyperSIGMA", f"{branch}-vit-{long}-ultra-checkpoint-1599.pth", "main"),
            normalisation="not seen; the authors' tasks scale each band to 0 to 1, or to zero mean and unit variance",
            caveat="Pretrained on crops of 64 x 64 pixels and 100 bands of EO-1 Hyperion and Gaofen-5. The files hold "
            "arguments beside the weights: mmhsi trust_checkpoint first.",
        )
        for size, (long, arch) in SIZES.items()
    )


HYPERSIGMA = (
    Family(
        name="HyperSIGMA-spec",
        marks="spat_map.weight",
        rules={r"spat_map\.": "spectral_embed.projection.", **UNUSED},
        weights=_weights("spec", "HyperSIGMASpectral"),
    ),
    Family(
        name="HyperSIGMA-spat",
        marks="decoder_pos_embed",
        lacks="cls_token",
        rules=UNUSED,
        weights=_weights("spat", "HyperSIGMASpatial"),
    ),
    Family(
        name="HyperSIGMA-fusion",
        marks="spat_encoder.patch_embed.proj.weight",
        rules={
            r"spat_encoder\.pos_embed": "spatial_pos_embed",
            r"spec_encoder\.pos_embed": "spectral_pos_embed",
            r"spat_encoder\.patch_embed\.proj\.": "spatial.patch_embed.projection.",
            r"spec_encoder\.spat_map\.": "spectral.spectral_embed.projection.",
            r"spec_encoder\.l1\.": "summary.",
            r"spat_encoder\.": "spatial.",
            r"spec_encoder\.": "spectral.",
            **{rf"fc_spec{number}\.": f"gates.{4 - number}." for number in (1, 2, 3, 4)},  # the deepest map is first
        },
    ),
)
