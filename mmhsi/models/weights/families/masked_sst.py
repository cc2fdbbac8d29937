"""MaskedSST: a spatial-spectral transformer on blocks of bands, masked-image-modelled; the layout of its repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mmhsi.errors import ConfigError

from .base import Family, PublicWeights

if TYPE_CHECKING:
    from torch import Tensor

ENCODER = r"(?:encoder\.)?"
MAPS = "patch_embed.maps."
TABLES = "position.table", "position.spatial", "position.spectral"


def _layers(index: int, name: str) -> dict[str, str | None]:
    """Layers of one of the two transformers.

    Args:
        index: Its place in the public sequence.
        name: Of the layers here.
    """
    layer = rf"{ENCODER}spatial_spectral_transformer\.{index}\.layers\.(\d+)"
    return {
        rf"{layer}\.0\.norm\.": rf"{name}.\1.norm1.",
        rf"{layer}\.0\.fn\.to_qkv\.": rf"{name}.\1.attention.qkv.",
        rf"{layer}\.0\.fn\.to_out\.0\.": rf"{name}.\1.attention.projection.",
        rf"{layer}\.1\.norm\.": rf"{name}.\1.norm2.",
        rf"{layer}\.1\.fn\.net\.": rf"{name}.\1.mlp.",
    }


def gather(state: dict[str, Tensor]) -> None:
    """Stack the blocks' maps, and lay the positions out by block.

    Args:
        state: Weights under the names here, changed in place.

    Raises:
        ConfigError: If a block or the positions are missing.
    """
    blocks = sum(key.startswith(MAPS) and key.endswith(".weight") for key in state)
    names = [(f"{MAPS}{index}.weight", f"{MAPS}{index}.bias") for index in range(blocks)]
    if not all(name in state for pair in names for name in pair):
        raise ConfigError("weights of MaskedSST: the map of a block of bands is missing; is the file complete?")
    maps = [(state.pop(weight), state.pop(bias)) for weight, bias in names]
    state["patch_embed.weight"] = torch.stack([weight.T for weight, _ in maps])  # (G, q·p·p, d)
    state["patch_embed.bias"] = torch.stack([bias[None] for _, bias in maps])  # (G, 1, d)
    table, spatial, spectral = (state.pop(name, None) for name in TABLES)
    if table is not None:  # (1, G·N + 1, d), the last of which nothing has
        places = (table.shape[1] - 1) // blocks
        state["position.table"] = table[0, : blocks * places].unflatten(0, (blocks, places))
    elif spatial is not None and spectral is not None:  # (1, N, 2d/3) beside (1, G, d/3)
        shape = (spectral.shape[1], spatial.shape[1], -1)
        state["position.table"] = torch.cat(
            [spatial[0][None].expand(shape), spectral[0][:, None].expand(shape)], dim=-1
        ).contiguous()
    else:
        raise ConfigError("weights of MaskedSST: positions are missing; is the file complete?")


def _weights(name: str, on: str, bands: int) -> PublicWeights:
    arch = dict(
        embed_dims=96,
        spatial_layers=4,
        spectral_layers=4,
        num_heads=8,
        head_dims=64,
        feedforward_channels=64,
    )
    return PublicWeights(
        name=name,
        family="MaskedSST",
        backbone=dict(
            type="SST",
            in_channels=bands,
            arch=arch,
            patch_size=1,
            bands_per_block=10,
            position_grid=(8, 8),
            final_norm=False,
        ),
        citation="L. Scheibenreif, M. Mommert, D. Borth, Masked vision transformers for hyperspectral image "
        "classification, CVPR EarthVision workshop 2023",
        license="none stated in the repository",
        homepage="https://github.com/HSG-AIML/MaskedSST",
        normalisation="each band by mean and standard deviation of the training data, which the repository lists",
        caveat=f"Pretrained on {on}, windows of 8 x 8 pixels; sizes are those of the repository's configs. The file "
        "holds objects beside the weights: mmhsi trust_checkpoint first.",
    )


MASKED_SST = Family(
    name="MaskedSST",
    marks=r"to_patch_embedding.blockwise_embed.0.weight",
    rules={
        rf"{ENCODER}to_patch_embedding\.pre_norm\.": "patch_embed.norm_before.",
        rf"{ENCODER}to_patch_embedding\.post_norm\.": "patch_embed.norm_after.",
        rf"{ENCODER}to_patch_embedding\.blockwise_embed\.": MAPS,
        rf"{ENCODER}pos_embedding": TABLES[0],
        rf"{ENCODER}pos_embed": TABLES[1],
        rf"{ENCODER}channel_embed": TABLES[2],
        **_layers(1, "spatial_layers"),
        **_layers(3, "spectral_layers"),
        r"": None,
    },
    complete=gather,
    weights=(
        _weights("masked-sst-enmap", "EnMAP, 200 bands", 200),
        _weights("masked-sst-houston2018", "Houston 2018, 48 bands padded to 50 with zeros", 50),
    ),
)
