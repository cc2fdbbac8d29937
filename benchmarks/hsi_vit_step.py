"""HSIViT-B beside mmpretrain's VisionTransformer: forward and backward at 64 x 64 x 32."""

from typing import Any

import torch
from mmpretrain.models.backbones import VisionTransformer
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.models import HSIViT


def both(bench: Bench) -> tuple[Measure, Measure]:
    """A forward and a backward pass of either."""
    sizes: dict[str, Any] = dict(in_channels=32, img_size=64, patch_size=8)
    arch = "small" if bench.quick else "base"
    ours = HSIViT(arch=arch, **sizes).to(bench.device)
    theirs = VisionTransformer(arch=arch, out_type="featmap", **sizes).to(bench.device)
    x = torch.randn(bench.size(4, 1), 32, 64, 64, device=bench.device)
    return (
        bench.forward_backward(ours, lambda: ours(x)[0].square().mean()),
        bench.forward_backward(theirs, lambda: theirs(x)[0].square().mean()),
    )


COMPARISONS = [
    Comparison(
        "hsi-vit-step",
        "HSIViT-B beside mmpretrain's VisionTransformer, 64×64×32, batch 4, forward and backward",
        both,
        goal="≤ 1.05",
        rounds=9,
        on_device=True,
    )
]

if __name__ == "__main__":
    main(dict(hsi_vit_step=COMPARISONS))
