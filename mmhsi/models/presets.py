"""The sizes of the backbones that papers and configs name, and what they cost."""

from __future__ import annotations

import torch
from mmengine.registry import DefaultScope

from mmhsi.models.complexity import measure_complexity
from mmhsi.registry import MODELS

DINOV2_STUDENT = dict(num_registers=4, ffn_type="swiglu_fused", layer_scale_init_value=1e-5, with_mask_token=True)


def even_centres(bands: int) -> tuple[float, ...]:
    """Band centres in nm of a sensor that is not known, from 420 to 2450 nm, which is EnMAP's range.

    Args:
        bands: C.
    """
    return tuple(round(420 + 2030 * band / max(bands - 1, 1), 1) for band in range(bands))


PRESETS: dict[str, tuple[dict, tuple[int, int, int]]] = {
    **{
        f"HSIViT {arch}, patch 8": (dict(type="HSIViT", in_channels=32, arch=arch, img_size=64), (32, 64, 64))
        for arch in ("tiny", "small", "base", "large")
    },
    "HSIViT base as DINOv2 student": (
        dict(type="HSIViT", in_channels=32, arch="base", img_size=64, pos_embed="learned", **DINOV2_STUDENT),
        (32, 64, 64),
    ),
    **{
        f"HSIViT base, patch 4, {embedding}, {bands} bands": (
            dict(
                type="HSIViT",
                in_channels=bands,
                arch="base",
                img_size=32,
                patch_size=4,
                embedding=embedding,
                wavelengths=even_centres(bands),
            ),
            (bands, 32, 32),
        )
        for embedding in ("fixed", "wavelength", "spectral-stem", "band-attention")
        for bands in (3, 32, 202, 430)
    },
    **{
        f"SpatialSpectralViT {arch}, {mode}": (
            dict(type="SpatialSpectralViT", in_channels=32, arch=arch, mode=mode),
            (32, 64, 64),
        )
        for arch, mode in (("tiny", "any"), ("base", "any"), ("base", "paper"))
    },
    **{
        f"SST {arch}, patch 8 x 8 x 4": (dict(type="SST", in_channels=116, arch=arch), (116, 128, 128))
        for arch in ("base", "large")
    },
    **{
        f"ResNetV1c-50 (mmseg), {bands} bands": (
            dict(
                type="mmseg.ResNetV1c",
                depth=50,
                in_channels=bands,
                dilations=(1, 1, 2, 4),
                strides=(1, 2, 1, 1),
                norm_eval=False,
                contract_dilation=True,
            ),
            (bands, side, side),
        )
        for bands, side in ((32, 64), (116, 128))
    },
}
"""Name, config and input (C, H, W) of each."""


def preset_table() -> str:
    """Markdown table of all presets: input, parameters, FLOPs of a forward pass, memory kept for the backward pass."""
    lines = [
        "| backbone | input | parameters | GFLOPs | kept for backward, MiB |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, (config, shape) in PRESETS.items():
        with DefaultScope.overwrite_default_scope("mmhsi"):
            model = MODELS.build(dict(config))
        x = torch.randn(1, *shape)
        cost = measure_complexity(model, lambda model=model, x=x: model(x))  # type: ignore[misc]
        size = " x ".join(map(str, shape))
        lines.append(
            f"| {name} | {size} | {cost.parameters:,} | {cost.flops / 1e9:.3f} | {cost.activations / 2**20:.1f} |"
        )
    return "\n".join(lines)
