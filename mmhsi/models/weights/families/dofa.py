"""DOFA: weights of the patch embedding generated from the band centres; torchgeo's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .base import Family, PublicWeights

if TYPE_CHECKING:
    from torch import Tensor

GENERATOR = r"patch_embed\.weight_generator\."
BASE = dict(embed_dims=768, num_layers=12, num_heads=12, feedforward_channels=3072)
LARGE = dict(embed_dims=1024, num_layers=24, num_heads=16, feedforward_channels=4096)
REPOSITORY, REVISION = "torchgeo/dofa", "b8db318b64a90b9e085ec04ba8851233c5893666"


def plain_norm(state: dict[str, Tensor]) -> None:
    """Add the last norm, which the files have not: torchgeo's begins as no change, for fine-tuning."""
    if "norm.weight" not in state:
        width = state["cls_token"].shape[-1]
        state["norm.weight"], state["norm.bias"] = torch.ones(width), torch.zeros(width)


def _weights(name: str, title: str, arch: dict, file: str) -> PublicWeights:
    return PublicWeights(
        name=name,
        family="DOFA",
        backbone=dict(type="HSIViT", arch=arch, img_size=224, patch_size=16, embedding=dict(type="DOFAEmbed")),
        citation="Z. Xiong et al., Neural plasticity-inspired multimodal foundation model for Earth observation, "
        "arXiv:2403.15356, 2024",
        license="CC-BY-4.0",
        homepage="https://github.com/zhu-xlab/DOFA",
        url=f"https://hf.co/{REPOSITORY}/resolve/{REVISION}/{file}",
        hub=(REPOSITORY, file, REVISION),
        sha256=file.removesuffix(".pth").rpartition("-")[2],
        normalisation="each band by the mean and standard deviation of its sensor, as its data set's",
        caveat=f"{title}. Mask-autoencoded on optical, SAR and hyperspectral data of several sensors; centres in nm "
        "here, in micrometres in its own code. The checksum is the beginning that the file's name holds.",
    )


DOFA = Family(
    name="DOFA",
    marks="patch_embed.weight_generator.weight_tokens",
    rules={
        rf"{GENERATOR}transformer_encoder\.layers\.0\.": "patch_embed.layer.",
        rf"{GENERATOR}fc_weight\.": "patch_embed.to_weight.",
        rf"{GENERATOR}fc_bias\.": "patch_embed.to_bias.",
        rf"{GENERATOR}(weight_tokens|bias_token)": r"patch_embed.\1",
        r"patch_embed\.fclayer\.w1\.": "patch_embed.code.first.",
        r"patch_embed\.fclayer\.w2\.": "patch_embed.code.second.",
        r"fc_norm\.": "norm.",
        r"(head|decoder|mask_token|projector)": None,
    },
    complete=plain_norm,
    weights=(
        _weights("dofa-vit-b", "ViT-B/16", BASE, "dofa_base_patch16_224-a0275954.pth"),
        _weights("dofa-vit-l", "ViT-L/16", LARGE, "dofa_large_patch16_224-0ff904d3.pth"),
    ),
)
