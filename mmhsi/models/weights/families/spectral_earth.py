"""SpectralEarth: three convolutions along the spectrum before a vision transformer, on EnMAP."""

from __future__ import annotations

from .base import Family, PublicWeights

SIZES = {
    "s": (384, 12, 6),
    "b": (768, 12, 12),
    "l": (1024, 24, 16),
    "h": (1280, 32, 16),
    "g": (1536, 40, 24),
}
"""Width, layers and heads; the MLP is four times as wide."""

ADAPTER = r"spectral_adapter\."


def _weights(size: str) -> PublicWeights:
    width, depth, heads = SIZES[size]
    return PublicWeights(
        name=f"spectralearth-vit-{size}",
        family="SpectralEarth",
        backbone=dict(
            type="HSIViT",
            arch=dict(embed_dims=width, num_layers=depth, num_heads=heads, feedforward_channels=4 * width),
            img_size=128,
            patch_size=4,
            pos_embed="learned",
            embedding=dict(type="SpectralEarthEmbed"),
        ),
        citation="N. A. A. Braham et al., SpectralEarth: training hyperspectral foundation models at scale, "
        "arXiv:2408.08447, 2024",
        license="none found in the repository",
        homepage="https://github.com/AABNassim/spectral_earth",
        normalisation="each band by the means and standard deviations in the repository's data/statistics",
        caveat="On 202 bands of EnMAP L2A, which the repository chooses; the files lie in a folder that its page "
        "links, of no stable address.",
    )


SPECTRAL_EARTH = Family(
    name="SpectralEarth",
    marks="spectral_adapter.0.weight",
    rules={
        **{rf"{ADAPTER}{3 * index}\.": f"patch_embed.stem.convs.{index}." for index in range(3)},
        **{rf"{ADAPTER}{3 * index + 1}\.": f"patch_embed.stem.norms.{index}." for index in range(3)},
        r"vit_core\.patch_embed\.proj\.": "patch_embed.projection.",
        r"vit_core\.head\.": None,
        r"vit_core\.": "",
    },
    # (out, in, k, 1, 1)
    reshape={f"patch_embed.stem.convs.{index}.weight": lambda value: value.squeeze(-1) for index in range(3)},
    weights=tuple(_weights(size) for size in SIZES),
)
